/**
 * Tests run TypeScript as it stands (swc); the provider process and the test host's tools run the
 * build, so whatever starts one of them builds first (see the scripts in package.json).
 */

/**
 * Suites of many minutes, which CI leaves to `npm run test:long` so that it stays under half an hour: everything else
 * is run there. Without CI in the environment all are run.
 */
const long = [
  "tests/host/formatsAgainstPostfix",
  "tests/host/predicted",
  "tests/host/rollback",
  "tests/preview/interrupted",
  "tests/preview/secrets",
  "tests/preview/states",
];
const ignored = process.env.CI && !process.env.LONG_TESTS ? long : [];

/** @param {string} name @param {number} timeoutSeconds */
const project = (name, timeoutSeconds) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: "node",
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022" }, module: { type: "commonjs" } }],
  },
  testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
  testPathIgnorePatterns: ["/node_modules/", ...ignored],
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  setupFilesAfterEnv: ["<rootDir>/tests/timeout.ts"],
  globals: { testTimeoutSeconds: timeoutSeconds },
});

module.exports = {
  // One `up` takes a few seconds, and a loaded machine several times that.
  projects: [
    project("unit", 20),
    project("host", 120),
    project("preview", 300),
    project("faults", 300),
  ],
  // Every worker has hosts of its own, each with a mail server: more would slow one another down.
  maxWorkers: 2,
  coverageProvider: "v8",
};
