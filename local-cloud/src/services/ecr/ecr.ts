import * as sdk from '@aws-sdk/client-ecr';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import { defineService, type Operations } from '../../service.js';
import { type EcrRoles, registryAccess } from './access.js';
import { AuthorizationTokens } from './authorization-tokens.js';
import { distributionApi } from './distribution/api.js';
import { housekeeping } from './housekeeping.js';
import { imageOperations } from './image-operations.js';
import { Images } from './images.js';
import { layerOperations } from './layer-operations.js';
import { layerUrls } from './layer-urls.js';
import { policyOperations } from './policy-operations.js';
import { Registry } from './registry.js';
import { repositoryOperations } from './repository-operations.js';
import { repositoryType } from './repository-type.js';
import { textSigner } from './signed-text.js';

/** What ECR needs besides its base. */
export interface EcrCapabilities {
  /** Address of the local cloud, where the registry is found too; known when it listens. */
  readonly endpointUrl: Promise<string>;
  readonly roles: EcrRoles;
}

/** Amazon ECR: a private registry for container images, with its API and the OCI distribution API. */
export function ecr(base: Base, { endpointUrl, roles }: EcrCapabilities): Plugin {
  const { clock } = base;
  const registry = new Registry(base);
  const images = new Images(registry);
  const signer = textSigner(registry.tables.settings);
  const tokens = new AuthorizationTokens(signer, clock);
  const urls = layerUrls(registry, signer, clock, endpointUrl);
  const authorize = registryAccess(registry, roles, clock);
  const host = endpointUrl.then((url) => new URL(url).host);
  // Nobody asks for it when the local cloud does not come to listen.
  host.catch(() => {});
  const repositories = repositoryOperations(registry, images, host);

  const operations: Operations<typeof sdk> = {
    ...repositories.operations,
    ...imageOperations(registry, images),
    ...layerOperations(registry, images, urls),
    ...policyOperations(registry, images),
    async GetAuthorizationToken(_input, { principal }) {
      const { authorizationToken, expires } = tokens.issue(principal);
      const proxyEndpoint = await endpointUrl;
      return {
        authorizationData: [{ authorizationToken, expiresAt: new Date(expires), proxyEndpoint }],
      };
    },
  };
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'ecr',
    scopes: ['ecr'],
    model,
    protocol: awsJson(model, '1.1'),
    operations,
    authorize,
    validationError: { code: 'InvalidParameterException' },
  });
  const keeping = housekeeping(registry, images, base);
  return {
    services: [service],
    paths: [distributionApi(base, { registry, images, tokens, authorize }), urls],
    resourceTypes: [repositoryType(registry, images, repositories)],
    close: async () => keeping.close(),
  };
}
