import { z } from 'zod';
import { type ActionContext, type PreparedAction, parameters, template } from './action.js';

const schema = z.strictObject({ functionArn: z.string().min(1) });

/** Invokes a function asynchronously; the function's resource policy has to let this rule do so. */
export function lambdaAction(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { functions } = context.targets;
  if (!functions) return undefined;
  const { functionArn } = parameters('lambda', schema, given);
  const fill = template(functionArn, context);
  return {
    name: 'LambdaAction',
    member: 'lambda',
    failure: 'Failed to invoke lambda function',
    service: 'AWSLambda',
    target: functionArn,
    async plan({ message, output }) {
      const resource = await fill(message);
      return {
        resource,
        details: `Function arn: ${resource}`,
        perform: () =>
          functions.invokeLater(resource, output.payload, {
            service: 'iot.amazonaws.com',
            sourceArn: context.ruleArn,
          }),
      };
    },
  };
}
