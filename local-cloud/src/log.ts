/** Severity, as in syslog but fewer. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the local cloud says what it does; `fields` name the things that the message is about. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Writes one JSON object a line to standard error, for levels at or above `least`. */
export function jsonLog(least: LogLevel): Log {
  const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
  return (level, message, fields = {}) => {
    if (order.indexOf(level) < order.indexOf(least)) return;
    process.stderr.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`,
    );
  };
}
