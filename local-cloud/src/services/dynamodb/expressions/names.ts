import type { Condition, Operand } from './condition.js';

/** Names of the attributes that a condition is on. */
export function* attributeNames(condition: Condition): Generator<string> {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const part of condition.parts) yield* attributeNames(part);
      return;
    case 'not':
      yield* attributeNames(condition.part);
      return;
    case 'exists':
    case 'missing':
    case 'type':
      yield condition.path[0];
      return;
    case 'compare':
      yield* namesIn([condition.left, condition.right]);
      return;
    case 'between':
      yield* namesIn([condition.operand, condition.low, condition.high]);
      return;
    case 'in':
      yield* namesIn([condition.operand, ...condition.options]);
      return;
    default:
      yield* namesIn([condition.operand, condition.part]);
  }
}

function* namesIn(operands: readonly Operand[]): Generator<string> {
  for (const operand of operands) {
    if (operand.kind === 'path') yield operand.path[0];
    else if (operand.kind === 'size') yield* namesIn([operand.of]);
  }
}
