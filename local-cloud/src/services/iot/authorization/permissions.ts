import { X509Certificate } from 'node:crypto';
import type { IotArns } from '../arns.js';
import type { Subject } from '../changes.js';
import { parsePolicyDocument, type Statement } from '../policy/document.js';
import { compileStatements, type Decide } from '../policy/evaluate.js';
import { type CertificateFacts, type ConnectionFacts, policyVariables } from '../policy/variables.js';
import type { Policies } from '../registry/policies.js';
import type { PolicyAttachments } from '../registry/policy-attachments.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { ThingPrincipals } from '../registry/thing-principals.js';
import type { Tables } from '../tables.js';

/** Who asks, for a decision about a certificate. */
export interface Asking {
  readonly certificateId: string;
  /** MQTT client id, or the thing's name where HTTPS names one; undefined when neither is known. */
  readonly clientId: string | undefined;
  readonly sourceIp: string;
  readonly domainName: string | undefined;
}

/** Decisions for one certificate on one connection, and what they hang on. */
export interface Permissions {
  readonly decide: Decide;
  readonly subjects: ReadonlySet<Subject>;
}

/** Puts together what a certificate may do: its policies, and those of the groups of its thing. */
export class PermissionSource {
  readonly #statements = new Map<string, readonly Statement[]>();
  readonly #facts = new Map<string, CertificateFacts>();

  constructor(
    private readonly tables: Tables,
    private readonly arns: IotArns,
    private readonly registry: {
      policies: Policies;
      attachments: PolicyAttachments;
      groups: ThingGroups;
      thingPrincipals: ThingPrincipals;
    },
  ) {}

  /** Forgets what was compiled of policies that changed. */
  forget(subjects: ReadonlySet<Subject>): void {
    for (const subject of subjects) {
      if (subject.startsWith('policy/')) this.#statements.delete(subject.slice('policy/'.length));
      if (subject.startsWith('principal/')) this.#facts.delete(subject.slice('principal/'.length));
    }
  }

  /** The permissions of an active certificate; a certificate in any other state is allowed nothing. */
  of(asking: Asking): Permissions {
    const { tables, arns, registry } = this;
    const principal = arns.certificate(asking.certificateId);
    const subjects = new Set<Subject>([`principal/${principal}`]);
    if (tables.certificates.get(asking.certificateId)?.status !== 'ACTIVE') {
      return { decide: () => 'implicitDeny', subjects };
    }
    const thing = registry.thingPrincipals.thingOf(principal, asking.clientId);
    const thingName = asking.clientId === undefined ? undefined : thing?.thingName;
    const groups = thing ? registry.groups.allGroupsOf(thing.thingName) : [];
    if (thing) subjects.add(`thing/${thing.thingName}`);
    for (const group of groups) subjects.add(`thinggroup/${group}`);
    const targets = [principal, ...groups.map((group) => arns.thingGroup(group))];
    const names = new Set(targets.flatMap((target) => registry.attachments.policiesOf(target)));
    for (const name of names) subjects.add(`policy/${name}`);
    const facts: ConnectionFacts = {
      sourceIp: asking.sourceIp,
      domainName: asking.domainName,
      clientId: asking.clientId,
      thing: thingName === undefined ? undefined : tables.things.get(thingName),
      certificate: this.#certificate(principal, asking.certificateId),
    };
    const statements = [...names].flatMap((name) => this.#parsed(name));
    return { decide: compileStatements(statements, policyVariables(facts)), subjects };
  }

  /**
   * What the policies on an identity of Amazon Cognito allow; those who are authenticated need them besides the policies
   * of their role (AWS IoT developer guide, "Authorization with Amazon Cognito identities").
   */
  ofIdentity(
    identityId: string,
    { clientId, sourceIp, domainName }: Omit<Asking, 'certificateId'>,
  ): Permissions {
    const names = this.registry.attachments.policiesOf(identityId);
    const subjects = new Set<Subject>([
      `principal/${identityId}`,
      ...names.map((name): Subject => `policy/${name}`),
    ]);
    const statements = names.flatMap((name) => this.#parsed(name));
    const facts: ConnectionFacts = {
      ...{ clientId, sourceIp, domainName, thing: undefined, certificate: undefined },
      cognitoIdentityId: identityId,
    };
    return { decide: compileStatements(statements, policyVariables(facts)), subjects };
  }

  #parsed(policyName: string): readonly Statement[] {
    let statements = this.#statements.get(policyName);
    if (!statements) {
      const document = this.registry.policies.document(policyName);
      statements = document === undefined ? [] : parsePolicyDocument(document);
      this.#statements.set(policyName, statements);
    }
    return statements;
  }

  #certificate(principal: string, certificateId: string): CertificateFacts | undefined {
    let facts = this.#facts.get(principal);
    const record = facts ? undefined : this.tables.certificates.get(certificateId);
    if (record) {
      const certificate = new X509Certificate(record.pem);
      facts = {
        certificateId,
        serialNumber: certificate.serialNumber,
        subject: nameParts(certificate.subject),
        issuer: nameParts(certificate.issuer),
      };
      this.#facts.set(principal, facts);
    }
    return facts;
  }
}

/** The names that policy variables and provisioning parameters give to attributes of X.509 names. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: 'CommonName',
  C: 'Country',
  O: 'Organization',
  OU: 'OrganizationalUnit',
  ST: 'State',
  L: 'LocalityName',
  dnQualifier: 'DistinguishedNameQualifier',
  title: 'Title',
  SN: 'Surname',
  GN: 'GivenName',
  initials: 'Initials',
  pseudonym: 'Pseudonym',
  generationQualifier: 'GenerationQualifier',
  serialNumber: 'SerialNumber',
};

/** Reads a name as OpenSSL prints it, one attribute a line; of a repeated attribute the first counts. */
function nameParts(name: string | undefined): Record<string, string> {
  const parts: Record<string, string> = {};
  for (const line of (name ?? '').split('\n')) {
    const equals = line.indexOf('=');
    const attribute = ATTRIBUTES[line.slice(0, equals)];
    if (attribute !== undefined && parts[attribute] === undefined) parts[attribute] = line.slice(equals + 1);
  }
  return parts;
}
