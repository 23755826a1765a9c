/// <reference path="./eslint-plugin-security.d.ts" />
import type { Linter } from 'eslint';
import regexp from 'eslint-plugin-regexp';
import security from 'eslint-plugin-security';

/**
 * What the static scan looks for. Left out on purpose, of the same plugin: `detect-object-injection` and
 * `detect-non-literal-fs-filename`, which report every index and every path that is not written out, and
 * `detect-unsafe-regex`, which counts stars where `no-super-linear-backtracking` looks at what an expression does, and
 * `detect-eval-with-expression`, which `no-eval` holds already.
 */
const rules: Linter.RulesRecord = {
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-script-url': 'error',
  'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
  // Text that is shown in another order than it runs (CVE-2021-42574).
  'security/detect-bidi-characters': 'error',
  'security/detect-buffer-noassert': 'error',
  'security/detect-child-process': 'error',
  'security/detect-new-buffer': 'error',
  'security/detect-non-literal-regexp': 'error',
  'security/detect-non-literal-require': 'error',
  'security/detect-possible-timing-attacks': 'error',
  'security/detect-pseudoRandomBytes': 'error',
  'no-restricted-syntax': [
    'error',
    {
      selector: 'Property[key.name="rejectUnauthorized"][value.value=false]',
      message: 'TLS without looking at the certificate is no TLS.',
    },
    {
      selector: 'MemberExpression[property.name="NODE_TLS_REJECT_UNAUTHORIZED"]',
      message: 'TLS without looking at the certificate is no TLS.',
    },
    {
      selector: 'Property[key.name="shell"]:not([value.value=false])',
      message: 'What a shell reads can say more than it was meant to: pass arguments.',
    },
    {
      selector: 'CallExpression[callee.name=/^create(Hash|Hmac)$/][arguments.0.value=/^(md5|sha-?1)$/i]',
      message: 'MD5 and SHA-1 collide: use SHA-256.',
    },
    {
      selector:
        'CallExpression[callee.property.name=/^create(Hash|Hmac)$/][arguments.0.value=/^(md5|sha-?1)$/i]',
      message: 'MD5 and SHA-1 collide: use SHA-256.',
    },
  ],
};

/** For compiled JavaScript: what runs is what is looked at. */
export const securityRules: Linter.Config = {
  files: ['**/*.js'],
  plugins: { regexp, security },
  languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules,
};
