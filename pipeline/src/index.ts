export { rotateFleet } from './certificates/fleet-rotation.js';
export { rotateCertificates } from './certificates/rotate.js';
export { type BuiltComponent, buildComponents } from './components/build.js';
export { type PublishedComponent, publishComponents } from './components/publish.js';
export { testComponents } from './components/test-run.js';
export { compareDesigns } from './cost/estimate.js';
export { deployLocal } from './deploy/index.js';
export { explain, MooringError } from './errors.js';
export { pressButton, pressButtonLocally } from './fleet/button.js';
export { type CloudConnection, connectToCloud } from './fleet/cloud-connection.js';
export { setFrequency } from './fleet/led.js';
export { fleetOverview } from './fleet/overview.js';
export { attachListed, syncFleet } from './fleet-sync/sync.js';
export { buildImage } from './image/build.js';
export { publishImage } from './image/publish.js';
export { type ProvisionResult, provision } from './provisioning/provision.js';
export { repositoryRoot } from './repository.js';
export { readDeploymentFile } from './rollout/configuration.js';
export {
  type ComponentsDeployment,
  type DeployComponentsOptions,
  deployComponents,
} from './rollout/deploy-components.js';
export { type Boot, bootDevice, connectDevice, type RunningDevice } from './start/boot.js';
export type { Child } from './start/child.js';
export { type RunningCloud, startCloud } from './start/cloud.js';
export { fetchImageFiles, type ImageFiles } from './start/device.js';
export { measureBlink } from './start/led-watch.js';
export { StateDirectory } from './state-directory.js';
export { accountOf, clientConfig, type Target } from './target.js';
export { destroyInfrastructure } from './teardown/destroy.js';
