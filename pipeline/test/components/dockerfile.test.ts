import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand, parseDockerfile } from '../../src/components/dockerfile.js';
import { planPlatform } from '../../src/components/image-plan.js';
import { MooringError } from '../../src/errors.js';

const plan = (text: string, platform = 'linux/arm64') =>
  planPlatform(parseDockerfile(`FROM scratch\n${text}`, 'Dockerfile'), platform, 'Dockerfile');

describe('parseDockerfile', () => {
  it('works out what an image is for a platform', () => {
    const { copies, config } = plan(`# the whole language
ARG TARGETARCH
ARG TARGETPLATFORM
ARG KIND=fat
ENV A=1 B="x y" \\
    D=\${A}
ENV C=\${A}
LABEL of=$TARGETPLATFORM kind=\${KIND}
WORKDIR /srv
WORKDIR app
COPY --chmod=0750 --chown=1000:100 base/\${TARGETARCH}/ extra/ .
COPY ["a b", "/with space/"]
USER 1000:100
EXPOSE 80 53/udp
ENTRYPOINT ["node", "/app/\\"main\\".cjs"]
CMD ["$A"]`);
    expect(copies).toEqual([
      {
        line: 12,
        sources: ['base/arm64/', 'extra/'],
        given: '.',
        target: 'srv/app',
        mode: 0o750,
        uid: 1000,
        gid: 100,
      },
      {
        line: 13,
        sources: ['a b'],
        given: '/with space/',
        target: 'with space',
        mode: undefined,
        uid: 0,
        gid: 0,
      },
    ]);
    expect(config).toEqual({
      Env: ['A=1', 'B=x y', 'D=', 'C=1'],
      Labels: { of: 'linux/arm64', kind: 'fat' },
      WorkingDir: '/srv/app',
      User: '1000:100',
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Entrypoint: ['node', '/app/"main".cjs'],
      Cmd: ['$A'],
    });
  });

  it.each([
    ['FROM debian', /^Dockerfile, line 1: expected FROM scratch and found FROM debian/],
    ['FROM scratch\nFROM scratch', /^Dockerfile, line 2: .* one stage/],
    ['FROM scratch\n\nRUN apt-get update', /^Dockerfile, line 3: RUN is not supported/],
    ['FROM scratch\nADD x /', /^Dockerfile, line 2: ADD is not supported/],
    ['FROM scratch\nVOLUME /x', /VOLUME is not supported/],
    ['FROM scratch\nNONSENSE', /NONSENSE is not supported/],
    ['FROM scratch\nCOPY --from=base a /', /COPY --from is not supported/],
    ['FROM scratch\nCOPY --link a /', /COPY --link is not supported/],
    ['FROM scratch\nCOPY a*.js /', /plain paths .*, not a\*\.js/],
    ['FROM scratch\nCOPY ../a /', /plain paths/],
    ['FROM scratch\nCOPY a', /a source and a target/],
    ['FROM scratch\nCOPY <<EOF /x\nhi\nEOF', /here-document/],
    ['FROM scratch\nENTRYPOINT node x', /ENTRYPOINT as a JSON list/],
    ['FROM scratch\nCMD ["a", 1]', /CMD as a JSON list/],
    ['FROM scratch\nEXPOSE http', /EXPOSE takes ports .*, not http/],
    ['FROM scratch\nUSER', /USER takes one word/],
    ['FROM scratch\nENV A', /ENV NAME=value/],
    ['FROM scratch\nARG A B', /one variable an ARG/],
    ['# nothing', /Dockerfile has no instruction/],
  ])('refuses %j by its line', (text, says) => {
    expect(() => parseDockerfile(text, 'Dockerfile')).toThrow(says);
  });

  it.each([
    ['COPY --chmod=u+x a /', /line 2: --chmod takes an octal mode/],
    ['COPY --chown=root a /', /line 2: --chown takes numbers/],
  ])('refuses %j', (text, says) => {
    expect(() => plan(text)).toThrow(says);
  });

  it('refuses whatever it does not take with its own error', () => {
    const keyword = fc.constantFrom(
      'ARG',
      'COPY',
      'ENV',
      'WORKDIR',
      'USER',
      'LABEL',
      'EXPOSE',
      'CMD',
      'RUN',
      'X',
    );
    const line = fc.tuple(keyword, fc.string()).map(([word, rest]) => `${word} ${rest}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
        try {
          plan(lines.join('\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(MooringError);
        }
      }),
    );
  });
});

describe('expand', () => {
  const variables = new Map([
    ['A', 'a'],
    ['EMPTY', ''],
  ]);
  it.each([
    ['$A/${A}', 'a/a'],
    ['$NONE-', '-'],
    ['${NONE:-x}${EMPTY:-y}${A:-z}', 'xya'],
    ['${NONE:+x}${A:+z}', 'z'],
    ['\\$A $', '$A $'],
  ])('makes of %j %j', (text, expected) => expect(expand(text, variables)).toBe(expected));
});
