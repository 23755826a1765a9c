/**
 * The configuration of the component `aws.greengrass.LogManager`.
 * https://docs.aws.amazon.com/greengrass/v2/developerguide/log-manager-component.html
 */
import { z } from 'zod';
import { messageOf } from '../errors.js';
import type { JsonValue } from '../ipc/capabilities.js';

export const LOG_MANAGER = 'aws.greengrass.LogManager';

/** In ascending order of weight. */
export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One log: files of a folder that are uploaded to one log group. */
export interface LogSource {
  readonly component: string;
  readonly type: 'UserComponent' | 'GreengrassSystemComponent';
  readonly folder: string;
  /** Found anywhere in the names of its files. */
  readonly fileName: RegExp;
  /** Found in lines that begin an event; without it those that begin with something else than white space do. */
  readonly multiLineStart: RegExp | undefined;
  /** As on a real core, for events in the nucleus's JSON format only. */
  readonly minimumLevel: LogLevel;
  /** Bytes; older files are removed when all together have more. */
  readonly diskSpaceLimit: number | undefined;
  /** Whether rotated files are removed once they are uploaded. */
  readonly deletesUploaded: boolean;
}

export interface LogUploadConfiguration {
  /** Milliseconds between two uploads. */
  readonly interval: number;
  readonly sources: readonly LogSource[];
  /** What is wrong with the rest of it, in sentences. */
  readonly problems: readonly string[];
}

const DEFAULT_INTERVAL = 300_000;
/** Faster than this only hurts the device. */
const SHORTEST_INTERVAL = 1_000;
const UNIT_BYTES = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;
const SYSTEM = 'System';
/** Deployments may carry numbers and booleans as text, and a text may be empty for what is not set. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value ? value : undefined));
function unlessEmpty<Schema extends z.ZodType>(schema: Schema) {
  return z
    .preprocess((value) => (value === '' || value === null ? undefined : value), schema.optional())
    .optional();
}
const flag = z.union([z.boolean(), z.stringbool()]).nullish();

const common = {
  minimumLogLevel: unlessEmpty(z.string().toUpperCase().pipe(z.enum(LOG_LEVELS))),
  diskSpaceLimit: unlessEmpty(z.coerce.number().positive()),
  diskSpaceLimitUnit: unlessEmpty(z.enum(['KB', 'MB', 'GB'])),
  deleteLogFileAfterCloudUpload: flag,
};

const SystemLogs = z.object({ ...common, uploadToCloudWatch: flag });
const ComponentLogs = z.object({
  ...common,
  logFileRegex: text,
  logFileDirectoryPath: text,
  multiLineStartPattern: text,
});
const NamedComponentLogs = ComponentLogs.extend({ componentName: z.string().min(1) });

const Configuration = z.object({
  periodicUploadIntervalSec: z.unknown().optional(),
  logsUploaderConfiguration: z
    .object({
      systemLogsConfiguration: z.unknown().optional(),
      componentLogsConfigurationMap: z.record(z.string(), z.unknown()).nullish(),
      componentLogsConfiguration: z.array(z.unknown()).nullish(),
    })
    .nullish(),
});

/**
 * What is to be uploaded. A part that is malformed is named among the problems and left out; the rest holds.
 *
 * @param logsFolder where the device writes its own and its components' logs
 */
export function parseLogUploadConfiguration(value: JsonValue, logsFolder: string): LogUploadConfiguration {
  const problems: string[] = [];
  const checked = <Output>(schema: z.ZodType<Output>, part: unknown, where: string): Output | undefined => {
    const result = schema.safeParse(part);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) {
      problems.push(`${[where, ...path].filter((key) => key !== '').join('.')}: ${message}`);
    }
    return undefined;
  };
  const configuration = checked(Configuration, value, '');
  const seconds = checked(
    z.coerce.number().positive().nullish(),
    configuration?.periodicUploadIntervalSec,
    'periodicUploadIntervalSec',
  );
  const sources = new Map<string, LogSource>();
  const add = (name: string, logs: z.output<typeof ComponentLogs>, where: string) => {
    try {
      sources.set(name, componentSource(name, logs, logsFolder));
    } catch (error) {
      problems.push(`${where}: ${messageOf(error)}`);
    }
  };
  const uploader = configuration?.logsUploaderConfiguration;
  for (const [name, part] of Object.entries(uploader?.componentLogsConfigurationMap ?? {})) {
    const where = `logsUploaderConfiguration.componentLogsConfigurationMap.${name}`;
    const logs = checked(ComponentLogs, part, where);
    if (logs) add(name, logs, where);
  }
  for (const [index, part] of (uploader?.componentLogsConfiguration ?? []).entries()) {
    const where = `logsUploaderConfiguration.componentLogsConfiguration.${index}`;
    const logs = checked(NamedComponentLogs, part, where);
    if (logs) add(logs.componentName, logs, where);
  }
  const system = checked(
    SystemLogs.nullish(),
    uploader?.systemLogsConfiguration,
    'logsUploaderConfiguration.systemLogsConfiguration',
  );
  if (system?.uploadToCloudWatch) {
    sources.set(SYSTEM, {
      component: SYSTEM,
      type: 'GreengrassSystemComponent',
      folder: logsFolder,
      fileName: ownLogFiles('greengrass'),
      multiLineStart: undefined,
      ...commonOf(system),
    });
  }
  return {
    interval: seconds ? Math.max(seconds * 1000, SHORTEST_INTERVAL) : DEFAULT_INTERVAL,
    sources: [...sources.values()],
    problems,
  };
}

/** @throws SyntaxError for a pattern that is none */
function componentSource(
  component: string,
  logs: z.output<typeof ComponentLogs>,
  logsFolder: string,
): LogSource {
  const { logFileRegex, logFileDirectoryPath, multiLineStartPattern } = logs;
  return {
    component,
    type: 'UserComponent',
    folder: logFileDirectoryPath ?? logsFolder,
    fileName: fileNamePattern(component, logFileRegex, logFileDirectoryPath),
    multiLineStart: multiLineStartPattern === undefined ? undefined : new RegExp(multiLineStartPattern),
    ...commonOf(logs),
  };
}

function fileNamePattern(component: string, pattern: string | undefined, folder: string | undefined): RegExp {
  if (pattern !== undefined) return new RegExp(pattern);
  return folder === undefined ? ownLogFiles(component) : new RegExp(`^${escaped(component)}\\w*.log`);
}

/** Narrower than the real core's `^{name}\w*.log`, which takes the files of `led_strip` for those of `led`. */
function ownLogFiles(name: string): RegExp {
  return new RegExp(`^${escaped(name)}(_\\d{4}_\\d\\d_\\d\\d_\\d\\d_\\d+)?\\.log$`);
}

function commonOf(logs: z.output<z.ZodObject<typeof common>>) {
  const { minimumLogLevel, diskSpaceLimit, diskSpaceLimitUnit, deleteLogFileAfterCloudUpload } = logs;
  return {
    minimumLevel: minimumLogLevel ?? 'INFO',
    diskSpaceLimit:
      diskSpaceLimit === undefined ? undefined : diskSpaceLimit * UNIT_BYTES[diskSpaceLimitUnit ?? 'KB'],
    deletesUploaded: deleteLogFileAfterCloudUpload ?? false,
  } as const;
}

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
