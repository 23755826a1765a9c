import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLogUploadConfiguration } from '../../src/log-upload/configuration.js';

const parse = (logsUploaderConfiguration: object, more: object = {}) =>
  parseLogUploadConfiguration(JSON.parse(JSON.stringify({ logsUploaderConfiguration, ...more })), '/logs');
const files = [
  'led.log',
  'led_2026_11_22_23_0001.log',
  'led_strip.log',
  'ledger.log',
  'led.log.bak',
  'my-led.log',
];

describe('the log manager’s configuration', () => {
  it('names components in a map or a list, and the system’s logs', () => {
    const { interval, sources, problems } = parse(
      {
        systemLogsConfiguration: {
          uploadToCloudWatch: 'true',
          minimumLogLevel: 'warn',
          diskSpaceLimit: '10',
          diskSpaceLimitUnit: 'MB',
          deleteLogFileAfterCloudUpload: 'false',
        },
        componentLogsConfigurationMap: { led: {} },
        componentLogsConfiguration: [
          {
            componentName: 'web',
            logFileRegex: 'web\\w*.log',
            logFileDirectoryPath: '/var/log',
            multiLineStartPattern: '^\\d{4}',
            diskSpaceLimit: 2,
            deleteLogFileAfterCloudUpload: true,
          },
        ],
      },
      { periodicUploadIntervalSec: '30' },
    );
    expect(problems).toEqual([]);
    expect(interval).toBe(30_000);
    expect(sources).toMatchObject([
      {
        component: 'led',
        type: 'UserComponent',
        folder: '/logs',
        minimumLevel: 'INFO',
        deletesUploaded: false,
      },
      {
        component: 'web',
        folder: '/var/log',
        diskSpaceLimit: 2048,
        deletesUploaded: true,
        multiLineStart: /^\d{4}/,
      },
      {
        component: 'System',
        type: 'GreengrassSystemComponent',
        minimumLevel: 'WARN',
        diskSpaceLimit: 10_485_760,
      },
    ]);
    expect(files.filter((name) => sources[0]?.fileName.test(name))).toEqual(files.slice(0, 2));
  });

  it('uploads nothing by itself, every five minutes', () => {
    expect(parseLogUploadConfiguration({}, '/logs')).toEqual({
      interval: 300_000,
      sources: [],
      problems: [],
    });
    expect(parse({ systemLogsConfiguration: { uploadToCloudWatch: false } }).sources).toEqual([]);
  });

  it('names what is malformed, and takes the rest', () => {
    const { sources, problems } = parse(
      {
        componentLogsConfigurationMap: {
          good: {},
          pattern: { logFileRegex: '(' },
          unit: { diskSpaceLimit: 1, diskSpaceLimitUnit: 'TB' },
        },
        componentLogsConfiguration: [{ minimumLogLevel: 'INFO' }],
      },
      { periodicUploadIntervalSec: 'soon' },
    );
    expect(sources.map(({ component }) => component)).toEqual(['good']);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'periodicUploadIntervalSec',
      'logsUploaderConfiguration.componentLogsConfigurationMap.pattern',
      'logsUploaderConfiguration.componentLogsConfigurationMap.unit.diskSpaceLimitUnit',
      'logsUploaderConfiguration.componentLogsConfiguration.0.componentName',
    ]);
  });

  it('never fails, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, part) => {
        parseLogUploadConfiguration(JSON.parse(JSON.stringify(value)), '/logs');
        parse({ componentLogsConfigurationMap: { x: part }, systemLogsConfiguration: part });
      }),
    );
  });
});
