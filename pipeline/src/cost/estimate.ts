import { ourUsage, thesisUsage, type Usage, type Workload } from './designs.js';
import { type PriceName, prices, type Service } from './prices.js';

/** What a design costs in a month. */
export interface Estimate {
  /** In US dollars, by service; services that cost nothing are left out. */
  readonly services: readonly { readonly service: Service; readonly usd: number }[];
  readonly usd: number;
  readonly lines: readonly (Usage & { readonly service: Service; readonly usd: number })[];
}

/** Something that makes a month cheaper, or dearer when it is negative, in US dollars. */
export interface Saving {
  readonly name: string;
  readonly usd: number;
}

export interface Comparison {
  readonly workload: Workload;
  readonly thesis: Estimate;
  readonly ours: Estimate;
  /** Where the difference between the two comes from; they add up to it. */
  readonly savings: readonly Saving[];
}

/** Estimates both designs for the same workload. Pure: the same workload gives the same figures. */
export function compareDesigns(workload: Workload): Comparison {
  const thesis = estimate(thesisUsage(workload));
  const ours = estimate(ourUsage(workload));
  const saved = (...names: readonly PriceName[]) => {
    const of = ({ lines }: Estimate) =>
      lines.filter(({ price }) => names.includes(price)).reduce((sum, { usd }) => sum + usd, 0);
    return of(thesis) - of(ours);
  };
  return {
    workload,
    thesis,
    ours,
    savings: [
      { name: 'Basic Ingest: telemetry is not metered as messages', usd: saved('message') },
      {
        name: 'rule actions without Lambda: no function handles each message',
        usd: saved('lambdaRequest', 'lambdaX86', 'lambdaArm'),
      },
      {
        name: 'a history in DynamoDB, which the thesis does not keep',
        usd: saved('tableWrite', 'tableRead', 'tableStorage'),
      },
      { name: 'rules that keep what happens to the fleet', usd: saved('ruleTriggered', 'ruleAction') },
      { name: 'slim container images with shared layers', usd: saved('imageStorage') },
      { name: 'a slim OS image', usd: saved('objectStorage') },
    ],
  };
}

function estimate(usages: readonly Usage[]): Estimate {
  const lines = usages.map((usage) => {
    const { service, usd } = prices[usage.price];
    return { ...usage, service, usd: usage.quantity * usd };
  });
  const sums = new Map<Service, number>();
  for (const { service, usd } of lines) sums.set(service, (sums.get(service) ?? 0) + usd);
  return {
    services: [...sums].map(([service, usd]) => ({ service, usd })),
    usd: lines.reduce((sum, { usd }) => sum + usd, 0),
    lines,
  };
}
