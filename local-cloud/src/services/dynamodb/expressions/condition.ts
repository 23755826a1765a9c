import type { TypeName, Value } from '../values/value.js';
import type { Path } from './path.js';

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** What a condition compares: an attribute, a value of the request, or the size of one of these. */
export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'size'; readonly of: Operand };

/** A condition, filter or key condition, as it was read. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'compare';
      readonly operator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: 'between'; readonly operand: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly options: readonly Operand[] }
  | { readonly kind: 'exists' | 'missing'; readonly path: Path }
  | { readonly kind: 'type'; readonly path: Path; readonly type: TypeName }
  | { readonly kind: 'begins_with' | 'contains'; readonly operand: Operand; readonly part: Operand };
