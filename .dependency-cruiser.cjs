/** The order of the house: imports point up this list only (docs/architecture.md). */
const ORDER = [
  'api',
  'machinery',
  'store',
  'registry',
  'server',
  'client',
  'controllers',
  'scheduler',
  'kubelet',
  'dns',
  'proxy',
  'pod-network',
  'cli',
  'dashboard',
  'fakes',
  'testing',
  'bin',
]
const CLIENTS = ['controllers', 'scheduler', 'kubelet', 'dns', 'proxy', 'pod-network', 'cli', 'dashboard']
const inside = folders => `^src/(${folders.join('|')})/`
const NOT_TESTS = '(\\.test|fixtures?)\\.ts$' // And what only tests import.

const downward = ORDER.slice(0, -1).map((folder, index) => ({
  name: `${folder}-imports-up-only`,
  comment: `src/${folder} may import only what stands above it: ${ORDER.slice(0, index).join(', ') || 'nothing'}. Hand the thing in instead.`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: NOT_TESTS },
  to: { path: inside(ORDER.slice(index + 1)) },
}))

module.exports = {
  forbidden: [
    ...downward,
    {
      name: 'components-meet-through-the-api',
      comment: 'Only testing/ and bin/ may reach the store, the registry or the server. Use the client.',
      severity: 'error',
      from: { path: inside(['client', ...CLIENTS, 'fakes']), pathNot: NOT_TESTS },
      to: { path: inside(['store', 'registry', 'server']) },
    },
    ...CLIENTS.map(folder => ({
      name: `${folder}-stands-alone`,
      comment: 'Components never import each other. What they share is an idea with a name: put it into machinery/.',
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: NOT_TESTS },
      to: { path: inside(CLIENTS.filter(other => other !== folder)) },
    })),
    {
      name: 'no-cycles',
      comment: 'Break the circle: one of these belongs elsewhere.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'api-imports-nothing',
      severity: 'error',
      comment: 'Wire types import nothing but wire types.',
      from: { path: '^src/api/' },
      to: { pathNot: '^src/api/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}
