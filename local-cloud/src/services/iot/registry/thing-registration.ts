import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { invalid } from '../errors.js';
import { planProvisioning } from '../provisioning/plan.js';
import type { Registrar } from '../provisioning/registrar.js';
import { parseTemplateBody, TemplateError } from '../provisioning/template-body.js';

/** The RegisterThing operation of the control plane. */
export function thingRegistration(registrar: Registrar) {
  const operations = {
    async RegisterThing({ templateBody, parameters }: sdk.RegisterThingCommandInput) {
      try {
        const plan = planProvisioning(parseTemplateBody(templateBody ?? ''), parameters ?? {});
        const { certificatePem, resourceArns } = await registrar.register(plan);
        return { ...(certificatePem !== undefined && { certificatePem }), resourceArns };
      } catch (error) {
        if (error instanceof TemplateError) throw invalid(error.message);
        throw error;
      }
    },
  } satisfies Operations<typeof sdk>;
  return { operations };
}
