import { type Output, table } from '../output.js';
import type { Comparison, Estimate } from './estimate.js';
import { PRICE_REGION, prices, type Service } from './prices.js';

/** The comparison as lines for people. */
export function costLines({ workload, thesis, ours, savings }: Comparison, out: Output): string[] {
  const { devices, messageBytes, perMinute } = workload;
  const of = ({ services }: Estimate, name: Service) =>
    services.find(({ service }) => service === name)?.usd ?? 0;
  const names = [...new Set([...thesis.services, ...ours.services].map(({ service }) => service))];
  return [
    `A month of ${devices} devices that send ${perMinute} messages of ${messageBytes} bytes a minute, in ${PRICE_REGION}, in USD:`,
    '',
    table(
      ['SERVICE', 'THESIS', 'MOORING'],
      [
        ...names.map((name) => [name, dollars(of(thesis, name)), dollars(of(ours, name))]),
        ['Total', dollars(thesis.usd), dollars(ours.usd)].map((cell) => out.style('bold', cell)),
      ],
    ),
    '',
    'Where the difference comes from:',
    table(
      ['USD', 'SAVED BY'],
      savings.map(({ name, usd }) => [dollars(usd), name]),
    ),
    '',
    'What Mooring uses:',
    table(
      ['SERVICE', 'QUANTITY', 'UNIT', 'USD', 'FOR'],
      ours.lines.map(({ service, quantity, price, usd, what }) => [
        service,
        amount(quantity),
        prices[price].unit,
        dollars(usd),
        what,
      ]),
    ),
    '',
    'List prices without taxes, free tiers, data transfer, logs and the fleet index; with --json each has its source and date.',
  ];
}

function dollars(usd: number): string {
  return usd.toFixed(2);
}

function amount(quantity: number): string {
  return quantity >= 1000
    ? Math.round(quantity).toLocaleString('en-US')
    : String(Number(quantity.toPrecision(3)));
}
