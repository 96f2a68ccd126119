import eslint from "@eslint/js";
import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";

/** Imports point one way: components → arguments; provider: index → driver, kinds → judge → postfix → openbsd, host; arguments → formats, values. */
const restrict = (files, patterns) => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns }] },
});
const no = (group, message) => ({ group, message });
const testing = no(
  ["**/testing/**", "**/testing", "**/tests/**"],
  "Only tests and tools know the test host.",
);
const components = no(
  ["**/components/**", "**/components"],
  "The provider knows nothing of components.",
);
const pulumi = no(["@pulumi/*"], "Only components/ and provider/driver/engineLog.ts know Pulumi.");
const ssh = no(["ssh2", "node-ssh"], "Only provider/host/ knows SSH.");
const kinds = no(["**/kinds/**"], "This layer is below the kinds.");
const driver = no(["**/driver/**", "**/kind/**", "../index"], "This layer is below the driver.");

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "no-control-regex": "off",
    },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        module: "writable",
        require: "readonly",
        Buffer: "readonly",
        URL: "readonly",
        __dirname: "readonly",
      },
    },
  },
  restrict(
    ["components/**/*.ts"],
    [
      testing,
      ssh,
      no(
        [
          "**/provider/kinds/**",
          "**/provider/host/**",
          "**/provider/openbsd/**",
          "**/provider/formats/**",
        ],
        "A component knows the provider by hostResource.ts only.",
      ),
    ],
  ),
  restrict(["provider/**/*.ts"], [testing, components, ssh, pulumi]),
  restrict(["provider/driver/engineLog.ts"], [testing, components, ssh]),
  {
    // How a release does things is asked of openbsd/: nobody else tells releases apart.
    files: ["provider/**/*.ts"],
    ignores: ["provider/openbsd/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...[
          "BinaryExpression[operator=/^[<>]=?$/] MemberExpression[property.name=/^(release|family)$/]",
          "BinaryExpression[operator=/^[<>]=?$/] > Identifier[name=/^(release|family)$/]",
          "BinaryExpression[operator=/^[!=]==$/] > Literal[value=/^\\d+\\.\\d+(-\\d+\\.\\d+|\\+)?$/]",
          "SwitchCase > Literal[value=/^\\d+\\.\\d+(-\\d+\\.\\d+|\\+)?$/]",
        ].map((selector) => ({
          selector,
          message: "No resource compares releases: ask provider/openbsd/platform.ts.",
        })),
      ],
    },
  },
  restrict(["provider/openbsd/**/*.ts"], [testing, components, ssh, pulumi, kinds, driver]),
  restrict(["provider/host/**/*.ts"], [testing, components, pulumi, kinds, driver]),
  restrict(
    ["provider/arguments/**/*.ts"],
    [
      testing,
      components,
      ssh,
      pulumi,
      kinds,
      driver,
      no(
        ["**/host/**", "**/openbsd/**", "**/postfix/**", "**/judge/**", "**/judge"],
        "What may be said is judged without a host: provider/formats/ and provider/values/ alone.",
      ),
    ],
  ),
  restrict(
    ["provider/formats/**/*.ts"],
    [
      testing,
      components,
      ssh,
      pulumi,
      kinds,
      driver,
      no(
        ["**/host/**", "**/openbsd/**", "node:*", "fs", "child_process"],
        "formats/ imports nothing of ours and does no I/O.",
      ),
    ],
  ),
  prettier,
);
