import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { componentNames } from '@mooring/contracts';
import { fleetGroupArn } from '../fleet/things.js';
import { deploymentInForce } from '../rollout/deployment.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { Catalogue } from './catalogue.js';

/** A component as it is published and deployed. */
export interface ListedComponent {
  readonly name: string;
  readonly newest: string;
  /** SHA-256 of what the newest version was made of; undefined when it was not published by `mooring`. */
  readonly content: string | undefined;
  /** In the deployment in force. */
  readonly deployed: string | undefined;
  /** Broken versions that are not deployed any more, down to the newest good one. */
  readonly heldBack: readonly string[];
}

/** The fleet's own components that are published, in order of their names. */
export async function listComponents(target: Target): Promise<ListedComponent[]> {
  const greengrass = new GreengrassV2Client(clientConfig(target));
  try {
    const account = await accountOf(target);
    const catalogue = new Catalogue(greengrass, target, account);
    const inForce = await deploymentInForce(greengrass, fleetGroupArn(target, account));
    const listed = await Promise.all(
      Object.values(componentNames).map(async (name): Promise<ListedComponent[]> => {
        const heldBack: string[] = [];
        let newest: { version: string; content: string | undefined } | undefined;
        for await (const { version, content, broken } of catalogue.newestFirst(name)) {
          newest ??= { version, content };
          if (broken === undefined) break;
          heldBack.push(version);
        }
        if (newest === undefined) return [];
        const deployed = inForce?.components[name]?.version;
        return [{ name, newest: newest.version, content: newest.content, deployed, heldBack }];
      }),
    );
    return listed.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    greengrass.destroy();
  }
}
