import js from '@eslint/js';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

const worldRooms = [
  'src/host/**',
  'src/network/**',
  'src/hospital/**',
  'src/cli/**',
  'src/dashboard/page/**',
  'test/**',
  'bench/**',
  'scripts/**',
];
const world = 'time and chance arrive as ports (Clock, Random): see docs/architecture.md';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', 'src/compute/heap/wasm/assembly/', 'build/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/strict-boolean-expressions': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `!` is refused in src, so an index known to be inside is told by `as number`.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: worldRooms,
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'Date', message: world },
        { name: 'setTimeout', message: world },
        { name: 'setInterval', message: world },
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: world }],
    },
  },
  {
    // What a room offers is explained where it stands, and a function fits a screen.
    files: ['src/**/*.ts'],
    plugins: { jsdoc },
    rules: {
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: {
            ArrowFunctionExpression: true,
            ClassDeclaration: true,
            FunctionDeclaration: true,
            FunctionExpression: true,
            MethodDefinition: false,
          },
          contexts: [
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'TSEnumDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
          enableFixer: false,
        },
      ],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['src/cli/**', 'bench/**', 'scripts/**'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**'],
    rules: {
      // chai's assertions are expressions; table tests index freely.
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
