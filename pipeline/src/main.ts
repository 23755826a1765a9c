// The SDK warns of its next major version's Node.js on every start; the versions here are pinned.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const { mooring } = await import('./mooring.js');
await mooring(process.argv);

export {};
