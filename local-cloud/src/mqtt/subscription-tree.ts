/** The most topics whose matches are remembered. */
const REMEMBERED = 10_000;

interface Node<S> {
  readonly children: Map<string, Node<S>>;
  readonly subscribers: Set<S>;
}

/**
 * Topic filters by level, so that the subscribers of a topic are found without looking at every filter. What was
 * found is remembered until a subscription changes. Matches as `matches` of `topic.ts` defines it;
 * [MQTT-4.7.3-4] names are compared as they are.
 */
export class SubscriptionTree<S> {
  readonly #root: Node<S> = { children: new Map(), subscribers: new Set() };
  readonly #remembered = new Map<string, readonly S[]>();

  add(filter: string, subscriber: S): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let child = node.children.get(level);
      if (!child) {
        child = { children: new Map(), subscribers: new Set() };
        node.children.set(level, child);
      }
      node = child;
    }
    node.subscribers.add(subscriber);
    this.#remembered.clear();
  }

  delete(filter: string, subscriber: S): void {
    const path: { parent: Node<S>; level: string }[] = [];
    let node = this.#root;
    for (const level of filter.split('/')) {
      const child = node.children.get(level);
      if (!child) return;
      path.push({ parent: node, level });
      node = child;
    }
    node.subscribers.delete(subscriber);
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level);
      if (child && child.children.size === 0 && child.subscribers.size === 0) parent.children.delete(level);
    }
    this.#remembered.clear();
  }

  /** Those whose filters match the topic; one that subscribed with several of them appears several times. */
  match(topic: string): readonly S[] {
    const known = this.#remembered.get(topic);
    if (known) return known;
    const found: S[] = [];
    const levels = topic.split('/');
    // [MQTT-4.7.2-1] Wildcards in the first level do not match what starts with `$`.
    collect(this.#root, levels, 0, !topic.startsWith('$'), found);
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(topic, found);
    return found;
  }

  /** Whether nothing is subscribed. */
  get empty(): boolean {
    return this.#root.children.size === 0;
  }
}

function collect<S>(node: Node<S>, levels: readonly string[], depth: number, wildcards: boolean, found: S[]) {
  const level = levels[depth];
  if (level === undefined) {
    for (const subscriber of node.subscribers) found.push(subscriber);
    return;
  }
  if (wildcards) {
    for (const subscriber of node.children.get('#')?.subscribers ?? []) found.push(subscriber);
    const any = node.children.get('+');
    if (any) collect(any, levels, depth + 1, true, found);
  }
  const exact = node.children.get(level);
  if (exact) collect(exact, levels, depth + 1, true, found);
}
