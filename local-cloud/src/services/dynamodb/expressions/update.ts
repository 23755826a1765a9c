import type { Value } from '../values/value.js';
import type { Path } from './path.js';

/** What `SET` assigns. */
export type Assigned =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'plus' | 'minus' | 'list_append'; readonly left: Assigned; readonly right: Assigned }
  | { readonly kind: 'if_not_exists'; readonly path: Path; readonly otherwise: Assigned };

/** One change of an update expression. */
export type Change =
  | { readonly kind: 'set'; readonly path: Path; readonly assigned: Assigned }
  | { readonly kind: 'remove'; readonly path: Path }
  | { readonly kind: 'add' | 'delete'; readonly path: Path; readonly value: Value };
