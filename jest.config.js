/**
 * Tests run TypeScript as it stands (swc); the provider process and the test host's tools run the
 * build, so whatever starts one of them builds first (see the scripts in package.json).
 */

const { availableParallelism } = require("node:os");

/** @param {string} name @param {number} timeoutSeconds */
const project = (name, timeoutSeconds) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: "node",
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022" }, module: { type: "commonjs" } }],
  },
  testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
  testPathIgnorePatterns: ["/node_modules/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  setupFilesAfterEnv: ["<rootDir>/tests/timeout.ts"],
  globals: { testTimeoutSeconds: timeoutSeconds },
});

module.exports = {
  // One `up` takes a few seconds, and a loaded machine several times that.
  projects: [
    project("unit", 20),
    project("host", 300),
    project("preview", 600),
    project("faults", 600),
  ],
  // A test of a host waits for most of its time (a Postfix tool sleeps a second or two: of 378 s, tests/host/rollback.test.ts
  // computes in 75), one of the CLI keeps a core busy: more than twice as many workers as cores.
  maxWorkers: Math.max(2, Math.min(8, Math.ceil(2.5 * availableParallelism()))),
  testSequencer: "./tests/longestFirst.js",
  coverageProvider: "v8",
};
