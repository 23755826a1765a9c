import type { IotArns } from '../arns.js';
import { invalid, notFound } from '../errors.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { Tables } from '../tables.js';

/** The targets of jobs: things, and thing groups with all their members. */
export class JobTargets {
  constructor(
    private readonly tables: Tables,
    private readonly groups: ThingGroups,
    private readonly arns: IotArns,
  ) {}

  /** @throws ResourceNotFoundException, InvalidRequestException unless each is a thing or a thing group. */
  check(targets: readonly string[]): void {
    for (const arn of targets) {
      const { type, name } = this.arns.parse(arn) ?? { type: '', name: '' };
      if (type !== 'thing' && type !== 'thinggroup') {
        throw invalid(`Invalid target ${arn}: it must be the ARN of a thing or thing group of this account.`);
      }
      const found = type === 'thing' ? this.tables.things.get(name) : this.tables.thingGroups.get(name);
      if (!found) throw notFound(`Target ${arn} cannot be found.`);
    }
  }

  /** Whether there is such a thing. */
  exists(thingName: string): boolean {
    return this.tables.things.get(thingName) !== undefined;
  }

  /** The things that these targets are now; a thing may come more than once. */
  *things(targets: readonly string[]): Generator<string> {
    for (const arn of targets) {
      const { type, name } = this.arns.parse(arn) ?? { type: '', name: '' };
      if (type === 'thing' && this.tables.things.get(name)) yield name;
      if (type === 'thinggroup') yield* this.groups.membersOf(name);
    }
  }

  /** The ARNs by which a thing may be a target: its own, and those of its groups and the groups above them. */
  namesOf(thingName: string): string[] {
    if (!this.tables.things.get(thingName)) return [];
    const groups = this.groups.allGroupsOf(thingName).map((group) => this.arns.thingGroup(group));
    return [this.arns.thing(thingName), ...groups];
  }
}
