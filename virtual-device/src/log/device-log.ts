/** Values that a log line can carry beside its text. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** One line of the device's log; `fields` are for machines. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void;
