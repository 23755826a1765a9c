import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { Tags } from '../../tags.js';
import type { GreengrassArns } from './arns.js';
import type { ComponentStore } from './components/component-store.js';
import type { DeploymentStore } from './deployments/deployment-store.js';
import type { CoreDevices } from './devices/core-devices.js';
import { accessDenied, invalid, notFound } from './errors.js';

/** Tags of a resource (AWS general reference, tagging). */
const MOST_TAGS = 50;

/** @throws ValidationException when a tag or their number is not allowed. */
export function checkTags(tags: Tags): void {
  const entries = Object.entries(tags);
  if (entries.length > MOST_TAGS) throw invalid(`A resource can have at most ${MOST_TAGS} tags`);
  for (const [name, value] of entries) {
    if (name.length < 1 || name.length > 128) {
      throw invalid(`The key of a tag has 1 to 128 characters, '${name}' has not`);
    }
    if (/^aws:/i.test(name)) throw invalid(`The tag key '${name}' is reserved for AWS`);
    if (value.length > 256) throw invalid(`The value of tag '${name}' has more than 256 characters`);
  }
}

export interface Taggable {
  readonly arns: GreengrassArns;
  readonly components: ComponentStore;
  readonly deployments: DeploymentStore;
  readonly devices: CoreDevices;
}

/** Tags of component versions, deployments and core devices. */
export function tagOperations({ arns, components, deployments, devices }: Taggable) {
  /** Reads and writes the tags of a resource. @throws ResourceNotFoundException when there is none. */
  function tagsAt(arn: string): { read(): Tags; write(tags: Tags): void } {
    const named = arns.parse(arn);
    if (named?.type === 'component') {
      const { owner, name, version } = named;
      const found = version === undefined ? undefined : components.get(owner, name, version);
      if (found) {
        return {
          read: () => found.tags,
          write(tags) {
            if (owner === 'aws') throw accessDenied(`${arn} is AWS's and cannot be tagged`);
            components.setTags(found, tags);
          },
        };
      }
    }
    if (named?.type === 'deployment') {
      const found = deployments.get(named.id);
      if (found) {
        return { read: () => found.tags, write: (tags) => deployments.put({ ...found, tags }) };
      }
    }
    if (named?.type === 'coreDevice' && devices.get(named.thingName)) {
      const { thingName } = named;
      return { read: () => devices.tags(thingName), write: (tags) => devices.setTags(thingName, tags) };
    }
    throw notFound(`The resource ${arn} does not exist`, named?.type ?? 'Resource', arn);
  }

  return {
    TagResource({ resourceArn = '', tags = {} }: sdk.TagResourceCommandInput) {
      const found = tagsAt(resourceArn);
      const all = { ...found.read(), ...tags };
      checkTags(all);
      found.write(all);
      return {};
    },

    UntagResource({ resourceArn = '', tagKeys = [] }: sdk.UntagResourceCommandInput) {
      const found = tagsAt(resourceArn);
      found.write(
        Object.fromEntries(Object.entries(found.read()).filter(([name]) => !tagKeys.includes(name))),
      );
      return {};
    },

    ListTagsForResource: ({ resourceArn = '' }: sdk.ListTagsForResourceCommandInput) => ({
      tags: { ...tagsAt(resourceArn).read() },
    }),
  };
}
