import { runComponent } from '../../runtime/src/component.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { runButton } from './button-component.js';
import { ButtonConfiguration } from './configuration.js';
import { watchButton } from './watch-button.js';

void runComponent(async (component) => {
  const configuration = parseConfiguration(ButtonConfiguration, await component.bus.configuration());
  const onPress = await runButton(component);
  const button = await watchButton(configuration, component, onPress);
  component.onStop(() => button.close());
  void button.failed.then(component.fail);
  component.log.info(`Watches ${button.name}.`);
});
