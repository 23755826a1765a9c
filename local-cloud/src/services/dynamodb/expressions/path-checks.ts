import { byFirstStep, clash, type Path, pathText } from './path.js';

/**
 * Checks that of the paths of an expression none is another or leads through it.
 *
 * @param invalid makes the error that is thrown of its message.
 */
export function checkedPathsApart(paths: readonly Path[], invalid: (message: string) => Error): void {
  // Only paths with the same first name can meet.
  for (const group of byFirstStep(paths).values()) {
    for (const [index, first] of group.entries()) {
      for (const second of group.slice(index + 1)) {
        const why = clash(first, second);
        if (!why) continue;
        throw invalid(
          `Two document paths ${why} with each other; must remove or rewrite one of these paths; path one: ${pathText(first)}, path two: ${pathText(second)}`,
        );
      }
    }
  }
}
