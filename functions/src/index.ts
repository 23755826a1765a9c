import { fileURLToPath } from 'node:url';
import { names } from '@mooring/contracts';

/**
 * The module that each Lambda function starts from, by the function's name; its export `handler` is called.
 * Importing this list loads none of them.
 */
export const functionEntries: Readonly<Record<string, string>> = {
  [names.allowlistFunction]: entry('allowlist-hook'),
  [names.rotationRequestFunction]: entry('request-rotation'),
  [names.csrFunction]: entry('sign-csr'),
  [names.certificateRetirementFunction]: entry('retire-certificate'),
  [names.dashboardSession]: entry('dashboard-session'),
  [names.dashboardReader]: entry('dashboard-reader'),
  [names.dashboardOperator]: entry('dashboard-operator'),
};

function entry(folder: string): string {
  return fileURLToPath(new URL(`./${folder}/index.js`, import.meta.url));
}
