import { componentStatements } from './pipeline-policies/components.js';
import { dashboardStatements } from './pipeline-policies/dashboard.js';
import { fleetStatements } from './pipeline-policies/fleet.js';
import { functionStatements } from './pipeline-policies/functions.js';
import { infrastructureStatements } from './pipeline-policies/infrastructure.js';
import { roleStatements } from './pipeline-policies/roles.js';
import { serviceStatements } from './pipeline-policies/services.js';
import { stateStatements } from './pipeline-policies/state.js';
import type { Place } from './place.js';
import { type PolicyDocument, policyDocument } from './policy-document.js';

export interface PipelinePolicy {
  readonly description: string;
  readonly document: PolicyDocument;
}

/**
 * What the pipeline may do, a managed policy each, by the rest of its name: what the commands of the workflows need,
 * and no more. IAM takes 6,144 characters a policy, white space not counted.
 *
 * A `*` for a resource stands only where AWS defines no resource for an action, and is said so.
 */
export function pipelinePolicies(place: Place, stack: string): Readonly<Record<string, PipelinePolicy>> {
  return {
    State: {
      description: 'mooring deploy: state, code and claims in the bootstrap bucket; what the account is for',
      document: policyDocument(...stateStatements(place, stack)),
    },
    Infrastructure: {
      description: 'mooring deploy and destroy: Cloud Control; rules, policies, template, topic and queue',
      document: policyDocument(...infrastructureStatements(place)),
    },
    Services: {
      description: 'mooring deploy and destroy: buckets, repositories, tables',
      document: policyDocument(...serviceStatements(place)),
    },
    Functions: {
      description: 'mooring deploy and destroy: functions, their URLs, log groups',
      document: policyDocument(...functionStatements(place)),
    },
    Roles: {
      description: 'mooring deploy and destroy: the roles of the infrastructure program',
      document: policyDocument(...roleStatements(place)),
    },
    Dashboard: {
      description: 'mooring deploy and dashboard: the web page, its sign-in, its files',
      document: policyDocument(...dashboardStatements(place)),
    },
    Fleet: {
      description: 'mooring provision, claim, fleet, certificates, status, image',
      document: policyDocument(...fleetStatements(place)),
    },
    Components: {
      description: 'mooring components publish and deploy',
      document: policyDocument(...componentStatements(place)),
    },
  };
}
