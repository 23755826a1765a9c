import { componentNames, containerComponents, topics } from '@mooring/contracts';
import { describe, expect, it } from 'vitest';
import { recipeOf } from './support/recipe.js';

/** The topics that a component's recipe allows, in order. */
async function allowed(component: string): Promise<string[]> {
  const configuration = (await recipeOf(component)).ComponentConfiguration?.DefaultConfiguration;
  const text = JSON.stringify(configuration?.accessControl ?? {});
  return [...text.matchAll(/"resources":(\[[^\]]*\])/g)].flatMap(([, list = '[]']) => JSON.parse(list));
}

describe('the recipes', () => {
  it('allow the topics that each component uses, and no others', async () => {
    /** A wildcard where the thing's name stands: recipe variables are not replaced there by default. */
    const ofAnyThing = (topic: string) => topic.replace('/THING/', '/+/');
    expect(await allowed(componentNames.led)).toEqual([
      topics.localButton(),
      ...[topics.setFrequency, topics.frequency, topics.button, topics.telemetry].map((topic) =>
        ofAnyThing(topic('THING')),
      ),
    ]);
    expect(await allowed(componentNames.button)).toEqual([
      topics.localButton(),
      ofAnyThing(topics.pressButton('THING')),
    ]);
    expect(await allowed(componentNames.certificateRotator)).toEqual(
      [
        topics.csrRequest,
        topics.certificate,
        topics.certificateDone,
        topics.csrResponse,
        topics.certificateAck,
      ].map((topic) => ofAnyThing(topic('THING'))),
    );
    expect(await allowed(componentNames.corrupt)).toEqual([]);
  });

  it.each(containerComponents)(
    'of %s takes the image from its registry, and gives it no privileges',
    async (name) => {
      const recipe = await recipeOf(name);
      expect(recipe.ComponentName).toBe(name);
      expect(recipe.ComponentDependencies).toEqual({
        'aws.greengrass.DockerApplicationManager': { VersionRequirement: '~2.0' },
        'aws.greengrass.TokenExchangeService': { VersionRequirement: '^2.0' },
      });
      const [{ Artifacts, Lifecycle }] = recipe.Manifests;
      expect(Artifacts).toEqual([{ URI: 'docker:IMAGE_URI' }]);
      const script = Lifecycle.Run.Script;
      expect(script).toMatch(/docker run --rm --name "\$name"/);
      expect(script).toContain('--read-only');
      expect(script).toContain('--cap-drop ALL');
      expect(script).not.toContain('--privileged');
      expect(Lifecycle.Shutdown?.Script).toContain('docker stop');
      // The nucleus takes braces with a colon in them for recipe variables.
      const variables = script.match(/\{[^}]*:[^}]*\}/g) ?? [];
      expect(variables.filter((variable) => variable !== '{kernel:rootPath}')).toEqual([]);
    },
  );

  it('of os_update runs the script of its artifact with its configuration', async () => {
    const [{ Artifacts, Lifecycle }] = (await recipeOf(componentNames.osUpdate)).Manifests;
    expect(Artifacts).toEqual([{ URI: 's3://BUCKET_NAME/os_update/1.0.0/os-update.sh' }]);
    expect(Lifecycle.Run).toEqual({
      RequiresPrivilege: true,
      Script: 'exec sh "{artifacts:path}/os-update.sh" "{work:path}"',
    });
  });
});
