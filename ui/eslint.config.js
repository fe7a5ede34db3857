import { readdirSync } from "node:fs";
import js from "@eslint/js";
import imports from "eslint-plugin-import";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import ts from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));

// app -> features -> (components, lib, api); never sideways, never up.
const zones = [
  ...features.map((name) => ({
    target: `./src/features/${name}`,
    from: "./src/features",
    except: [`./${name}`],
    message: "a feature never imports another feature: let app put them together",
  })),
  { target: "./src/features", from: "./src/app", message: "a feature never imports from app" },
  { target: "./src/components", from: ["./src/features", "./src/app"], message: "components know no product word" },
  { target: "./src/lib", from: ["./src/features", "./src/app", "./src/components", "./src/api"], message: "lib stands at the bottom" },
  { target: "./src/api", from: ["./src/features", "./src/app", "./src/components"], message: "api knows the server only" },
];

export default ts.config(
  { ignores: ["node_modules", "test-results", "coverage", "src/api/schema.ts"] },
  js.configs.recommended,
  ts.configs.strict,
  {
    files: ["src/**/*.{ts,tsx}", "e2e/**/*.ts"],
    extends: [a11y.flatConfigs.recommended],
    plugins: { import: imports, "react-hooks": hooks },
    settings: { "import/resolver": { typescript: { project: "./tsconfig.json" } } },
    languageOptions: { globals: globals.browser },
    rules: {
      ...hooks.configs.recommended.rules,
      "import/no-restricted-paths": ["error", { zones }],
      "import/no-cycle": ["error", { ignoreExternal: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "no-restricted-syntax": [
        "error",
        { selector: "ExportAllDeclaration", message: "no barrel files" },
      ],
      "no-restricted-globals": ["error", { name: "alert" }, { name: "confirm" }, { name: "prompt" }],
    },
  },
  // A page whose only purpose is one form begins in its first field.
  { files: ["src/features/login/**"], rules: { "jsx-a11y/no-autofocus": "off" } },
  { files: ["src/**/*.test.{ts,tsx}", "src/test/**"], rules: { "import/no-restricted-paths": "off" } },
  { files: ["public/**"], languageOptions: { globals: globals.browser, sourceType: "script" } },
  { files: ["scripts/**", "*.config.{js,ts}", ".*.js", "e2e/**"], languageOptions: { globals: globals.node } },
);
