/** AWS IoT SQL as the parser reads it. Positions are UTF-16 units from the start of the source. */
export type Expression =
  | {
      readonly kind: 'literal';
      readonly value: null | boolean | number | string;
      /** A number written with a point or exponent: dividing by it gives a Decimal, not an Int. */
      readonly decimal?: true;
    }
  /** The whole payload, or the element that a nested query looks at. */
  | { readonly kind: 'star' }
  /** `a.b.*`: all members of an object; only an item of a SELECT clause. */
  | { readonly kind: 'members'; readonly object: Expression; readonly position: number }
  /** A member of the payload. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string; readonly position: number }
  | { readonly kind: 'member'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
  | {
      readonly kind: 'call';
      /** As written. */
      readonly name: string;
      readonly args: readonly Expression[];
      readonly position: number;
    }
  | { readonly kind: 'cast'; readonly value: Expression; readonly type: string; readonly position: number }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'negative'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** `x IN (a, b)`; `x IN y`, where y is an array, has one candidate and `list` false. */
  | {
      readonly kind: 'in';
      readonly value: Expression;
      readonly candidates: readonly Expression[];
      readonly list: boolean;
    }
  | { readonly kind: 'exists'; readonly query: Expression }
  | {
      readonly kind: 'case';
      /** Undefined for `CASE WHEN condition …`. */
      readonly subject: Expression | undefined;
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: 'array'; readonly items: readonly Expression[]; readonly position: number }
  | {
      readonly kind: 'object';
      readonly members: readonly (readonly [name: string, value: Expression])[];
      readonly position: number;
    }
  | {
      readonly kind: 'query';
      readonly selection: Selection;
      readonly from: Expression;
      readonly where: Expression | undefined;
      readonly position: number;
    };

export type BinaryOperator =
  | 'OR'
  | 'AND'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';

export type Selection =
  | { readonly kind: 'value'; readonly value: Expression }
  | { readonly kind: 'items'; readonly items: readonly SelectItem[] };

export interface SelectItem {
  readonly value: Expression;
  /** `AS a.b` makes b a member of a. Undefined without AS. */
  readonly alias: readonly string[] | undefined;
  /** The item as written, without AS. */
  readonly source: string;
}

export interface StatementSyntax {
  readonly variables: readonly {
    readonly name: string;
    readonly value: Expression;
    readonly position: number;
  }[];
  readonly selection: Selection;
  readonly topicFilter: string | undefined;
  readonly where: Expression | undefined;
}
