import type { LogStore } from './log-store.js';
import type { LogGroups, LogWriter } from './writer.js';

/** Makes the writer for other services. */
export function logWriter(logs: LogStore): LogWriter & LogGroups {
  return {
    hasGroup: (name) => logs.group(name) !== undefined,
    write(group, stream, events) {
      if (!logs.group(group)) logs.createGroup(group);
      if (!logs.stream(group, stream)) logs.createStream(group, stream);
      logs.append(group, stream, events);
    },
  };
}
