import eslint from "@eslint/js";
import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";

// Who may import whom is in .dependency-cruiser.cjs.
export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", "site/"] },
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
      // An interface by a name of its own is what an editor shows of a derived type.
      "@typescript-eslint/no-empty-object-type": [
        "error",
        { allowInterfaces: "with-single-extends" },
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
  {
    // An example has a tsconfig.json of its own, for a folder where this package is installed.
    files: ["examples/**/*.ts"],
    languageOptions: { parserOptions: { projectService: false, project: "tsconfig.json" } },
  },
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
  {
    // A socket without a listener for errors ends the whole file of tests when its client goes.
    files: ["tests/**/*.ts"],
    ignores: ["tests/localServer.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "node:net",
              importNames: ["createServer"],
              message: "Use startLocalServer of tests/localServer.ts.",
            },
          ],
        },
      ],
    },
  },
  prettier,
);
