/** Properties of a resource as CloudFormation spells them: PascalCase names, free JSON where the schema says so. */
export type ResourceProperties = Readonly<Record<string, unknown>>;

/**
 * A resource type that the Cloud Control API can manage, such as `AWS::IoT::ThingGroup`; written by the service
 * that owns the resource, next to its operations. Methods throw the service's errors; Cloud Control turns them
 * into its handler error codes (`AlreadyExists`, `NotFound`, `InvalidRequest` …).
 */
export interface ResourceType {
  readonly typeName: string;
  /**
   * The type's schema as the CloudFormation registry publishes it: `properties`, `definitions`,
   * `createOnlyProperties`, `readOnlyProperties`, `writeOnlyProperties`, `primaryIdentifier` …
   */
  readonly schema: ResourceSchema;
  /** Creates the resource; returns its identifier: primary identifier values joined by `|`. */
  create(desired: ResourceProperties): string | Promise<string>;
  /** All properties, read-only ones too and write-only ones not; undefined when there is no such resource. */
  read(identifier: string): ResourceProperties | undefined | Promise<ResourceProperties | undefined>;
  /** Brings the resource from `previous` to `desired`; create-only properties are the same in both. */
  update(identifier: string, desired: ResourceProperties, previous: ResourceProperties): void | Promise<void>;
  delete(identifier: string): void | Promise<void>;
  /** Identifiers of all resources of the type. */
  list(): Iterable<string> | Promise<Iterable<string>>;
}

/** The parts of a CloudFormation registry schema that decide how a resource is handled. */
export interface ResourceSchema {
  readonly typeName: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly definitions?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly primaryIdentifier: readonly string[];
  readonly createOnlyProperties?: readonly string[];
  readonly readOnlyProperties?: readonly string[];
  readonly writeOnlyProperties?: readonly string[];
  readonly [key: string]: unknown;
}
