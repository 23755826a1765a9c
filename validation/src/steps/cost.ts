import { compareDesigns } from '@mooring/pipeline';
import { type Step, see } from '../step.js';

/** The thesis's section 5.9: US dollars a month, by service. */
const THESIS = {
  'IoT Core': 14.09,
  Greengrass: 18.52,
  'Device Defender': 0.13,
  S3: 0.06,
  ECR: 5.0,
  Lambda: 2.65,
} as const;

/** Part by which a figure may differ. */
const TOLERANCE = 0.05;

export const cost: Step = {
  step: 16,
  name: 'cost',
  expected: "the monthly estimate for the thesis's workload, by service, and a lower one for Mooring",
  needs: [],
  async play() {
    const { thesis, ours } = compareDesigns({ devices: 100, messageBytes: 10_240, perMinute: 1 });
    const lines: string[] = [];
    for (const [name, usd] of Object.entries(THESIS)) {
      const found = thesis.services.find(({ service }) => service === name)?.usd ?? 0;
      // S3's 0.0637 USD are told as 0.06.
      see(Math.abs(Number(found.toFixed(2)) - usd) <= usd * TOLERANCE, `${name} costs ${found.toFixed(2)}`);
      lines.push(`${name} ${found.toFixed(2)}`);
    }
    see(ours.usd < thesis.usd, `Mooring costs ${ours.usd.toFixed(2)}, the thesis ${thesis.usd.toFixed(2)}`);
    const own = ours.services.map(({ service, usd }) => `${service} ${usd.toFixed(2)}`);
    return `thesis ${thesis.usd.toFixed(2)} USD (${lines.join(', ')}); Mooring ${ours.usd.toFixed(2)} USD (${own.join(', ')})`;
  },
};
