import { SqlError } from '../errors.js';
import type { Scope } from '../scope.js';
import { asJson, type Value } from '../values.js';
import { type Functions, type SqlFunction, UNDEFINED } from './function.js';

/** Waits once for what a service answers; Undefined when an argument is no text. */
function ask(scope: Scope, request: () => Promise<Value> | undefined, name: string): Value {
  const answer = () => {
    const pending = request();
    if (!pending) throw new SqlError(`${name}() is not available here`);
    return pending;
  };
  return scope.replay ? scope.replay.answer(answer) : undefined;
}

/** `get_thing_shadow(thing, [shadow,] roleArn)` */
const getThingShadow: SqlFunction = {
  arity: [2, 3],
  since2016: true,
  waits: true,
  compile: ({ args }) => {
    const [thing = UNDEFINED, second = UNDEFINED, third] = args;
    return (scope) => {
      const [name, middle, last] = [thing(scope), second(scope), third?.(scope)];
      const [shadowName, roleArn] = third ? [middle, last] : [undefined, middle];
      if (typeof name !== 'string' || typeof roleArn !== 'string') return undefined;
      if (third && typeof shadowName !== 'string') return undefined;
      const shadow = typeof shadowName === 'string' ? shadowName : undefined;
      return ask(scope, () => scope.capabilities.getThingShadow?.(name, roleArn, shadow), 'get_thing_shadow');
    };
  },
};

/** `aws_lambda(functionArn, input)` */
const awsLambda: SqlFunction = {
  arity: [2, 2],
  waits: true,
  compile: ({ args: [arn = UNDEFINED, input = UNDEFINED] }) => {
    return (scope) => {
      const [functionArn, value] = [arn(scope), asJson(input(scope))];
      if (typeof functionArn !== 'string' || value === undefined) return undefined;
      return ask(scope, () => scope.capabilities.invokeLambda?.(functionArn, value), 'aws_lambda');
    };
  },
};

/** Functions that ask other services: AWS IoT developer guide, "Functions". */
export const serviceFunctions: Functions = {
  aws_lambda: awsLambda,
  get_thing_shadow: getThingShadow,
};

/** Functions of AWS IoT SQL that are not built, each for a service that is not there. */
export const REFUSED: ReadonlySet<string> = new Set([
  'get_dynamodb',
  'get_registry_data',
  'get_secret',
  'machinelearning_predict',
]);
