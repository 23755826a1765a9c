import { runComponent } from '../../runtime/src/component.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { LedConfiguration } from './configuration.js';
import { runLed } from './led-component.js';
import { openLed } from './open-led.js';

void runComponent(async (component) => {
  const configuration = parseConfiguration(LedConfiguration, await component.bus.configuration());
  const led = await openLed(configuration.led, component.env);
  component.onStop(() => led.close());
  await runLed(component, led, configuration);
});
