import {
  type Argument,
  Copy,
  DockerfileParser,
  type Flag,
  From,
  JSONInstruction,
  type Instruction as ParsedInstruction,
  PropertyInstruction,
} from 'dockerfile-ast';
import { MooringError } from '../errors.js';

/** An instruction of a Dockerfile, its variables not yet replaced. */
export type Instruction = { readonly line: number } & (
  | { readonly keyword: 'ARG'; readonly name: string; readonly value: string | undefined }
  | {
      readonly keyword: 'COPY';
      readonly sources: readonly string[];
      readonly target: string;
      readonly chmod: string | undefined;
      readonly chown: string | undefined;
    }
  | { readonly keyword: 'ENV' | 'LABEL'; readonly values: readonly (readonly [string, string])[] }
  | { readonly keyword: 'ENTRYPOINT' | 'CMD'; readonly command: readonly string[] }
  | { readonly keyword: 'EXPOSE'; readonly ports: readonly string[] }
  | { readonly keyword: 'WORKDIR' | 'USER'; readonly value: string }
);

/**
 * Parses the part of the Dockerfile language that needs no container to be carried out: one stage
 * `FROM scratch`, then ARG, COPY, ENV, WORKDIR, USER, LABEL, EXPOSE, ENTRYPOINT and CMD (the last two in exec
 * form). What else there is, is refused by its line, whichever builder builds: both shall make the same of it.
 *
 * @param file named in messages
 * @throws MooringError `DockerfileInvalid`
 */
export function parseDockerfile(text: string, file: string): Instruction[] {
  const [from, ...rest] = DockerfileParser.parse(text).getInstructions();
  const refuse: Refuse = (instruction, why) => {
    const line = instruction.getRange().start.line + 1;
    throw new MooringError('DockerfileInvalid', `${file}, line ${line}: ${why}`);
  };
  if (!from)
    throw new MooringError('DockerfileInvalid', `${file} has no instruction; begin with FROM scratch`);
  if (!(from instanceof From) || from.getArgumentsContent()?.trim() !== 'scratch') {
    refuse(
      from,
      `expected FROM scratch and found ${from.getKeyword()} ${from.getArgumentsContent() ?? ''}; copy what the image needs from base/$TARGETARCH/`,
    );
  }
  return rest.map((instruction) => parseInstruction(instruction, refuse));
}

type Refuse = (instruction: ParsedInstruction, why: string) => never;

function parseInstruction(instruction: ParsedInstruction, refuse: Refuse): Instruction {
  const keyword = instruction.getKeyword();
  const line = instruction.getRange().start.line + 1;
  const words = () => instruction.getArguments().map((argument) => argument.getValue());
  switch (keyword) {
    case 'ARG':
    case 'ENV':
    case 'LABEL': {
      if (!(instruction instanceof PropertyInstruction))
        return refuse(instruction, `${keyword} is malformed`);
      const properties = instruction.getProperties();
      if (properties.length === 0) return refuse(instruction, `${keyword} says nothing`);
      if (keyword === 'ARG') {
        const [property] = properties;
        const written = instruction.getArgumentsContent()?.trim() ?? '';
        if (!property || !/^\w+(=("[^"]*"|'[^']*'|[^\s"']*))?$/.test(written)) {
          return refuse(instruction, 'write one variable an ARG, as NAME or NAME=value');
        }
        return { line, keyword, name: property.getName(), value: property.getValue() ?? undefined };
      }
      const values = properties.map((property): readonly [string, string] => {
        const value = property.getValue();
        if (!property.getName() || value === null) return refuse(instruction, `write ${keyword} NAME=value`);
        return [property.getName(), value];
      });
      return { line, keyword, values };
    }
    case 'COPY':
      return parseCopy(instruction, line, refuse);
    case 'ENTRYPOINT':
    case 'CMD': {
      const command = instruction instanceof JSONInstruction ? execForm(instruction) : undefined;
      if (!command) {
        return refuse(
          instruction,
          `write ${keyword} as a JSON list, such as ${keyword} ["node", "/app/main.cjs"]`,
        );
      }
      return { line, keyword, command };
    }
    case 'EXPOSE': {
      const ports = words();
      const wrong = ports.find((port) => !/^\d{1,5}(\/(tcp|udp))?$/.test(port));
      if (wrong !== undefined || ports.length === 0) {
        return refuse(instruction, `EXPOSE takes ports such as 80 or 53/udp, not ${wrong ?? 'nothing'}`);
      }
      return { line, keyword, ports: ports.map((port) => (port.includes('/') ? port : `${port}/tcp`)) };
    }
    case 'WORKDIR':
    case 'USER': {
      const [value, ...others] = words();
      if (!value || others.length > 0) return refuse(instruction, `${keyword} takes one word`);
      return { line, keyword, value };
    }
    case 'FROM':
      return refuse(instruction, 'an image has one stage here, and this is a second FROM');
    default:
      return refuse(
        instruction,
        `${keyword} is not supported: images are put together without running anything, of FROM scratch, ARG, COPY, ENV, WORKDIR, USER, LABEL, EXPOSE, ENTRYPOINT and CMD`,
      );
  }
}

function parseCopy(instruction: ParsedInstruction, line: number, refuse: Refuse): Instruction {
  if (!(instruction instanceof Copy)) return refuse(instruction, 'COPY is malformed');
  if (instruction.getHeredocs().length > 0)
    return refuse(instruction, 'COPY of a here-document is not supported');
  const flags = new Map(instruction.getFlags().map((flag: Flag) => [flag.getName(), flag.getValue() ?? '']));
  for (const name of flags.keys()) {
    if (name !== 'chmod' && name !== 'chown') return refuse(instruction, `COPY --${name} is not supported`);
  }
  const paths =
    execForm(instruction) ?? instruction.getArguments().map((argument: Argument) => argument.getValue());
  const wrong = paths.find((path) => /["'*?[\]\\]/.test(path) || path.split('/').includes('..'));
  if (wrong !== undefined) {
    return refuse(instruction, `COPY takes plain paths without quotes, wildcards and .. here, not ${wrong}`);
  }
  const target = paths.at(-1);
  if (target === undefined || paths.length < 2)
    return refuse(instruction, 'COPY takes a source and a target');
  return {
    line,
    keyword: 'COPY',
    sources: paths.slice(0, -1),
    target,
    chmod: flags.get('chmod'),
    chown: flags.get('chown'),
  };
}

/** The strings of a JSON list; undefined when it is none. */
function execForm(instruction: JSONInstruction): string[] | undefined {
  try {
    const value: unknown = JSON.parse(instruction.getArgumentsContent() ?? '');
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const strings = value.filter((item) => typeof item === 'string');
    return strings.length === value.length ? strings : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; a variable that is not set is empty,
 * and `\$` is a dollar sign.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(
    /\\\$|\$(?:(\w+)|\{(\w+)(?:(:[-+])([^{}]*))?\})/g,
    (
      whole,
      plain: string | undefined,
      braced: string | undefined,
      operator: string | undefined,
      word = '',
    ) => {
      if (whole === '\\$') return '$';
      const value = variables.get(plain ?? braced ?? '') ?? '';
      if (operator === ':-') return value === '' ? word : value;
      if (operator === ':+') return value === '' ? '' : word;
      return value;
    },
  );
}
