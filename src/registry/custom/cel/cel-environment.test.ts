import { expect, test } from 'vitest'
import { celEnvironment } from './cel-environment.ts'
import { type Budget, CostExceededError, meteredProgram } from './metered-program.ts'

const self = {
  list: [3n, 1n, 2n],
  mixed: [1n, 2.5],
  words: ['b', 'a', 'b'],
  text: 'web-0.example.com',
  map: { a: 1n },
  none: [],
}

const run = (source: string, variables: { self: unknown } = { self }, budget: Budget = { left: 100_000 }): unknown =>
  meteredProgram(celEnvironment(), source).run(variables, budget)

test.each([
  ["self.text.matches('^web-[0-9]+')", true],
  ["matches(self.text, '^x')", false],
  ["self.text.find('[a-z]+[.]com')", 'example.com'],
  ["self.text.findAll('[a-z]+')", ['web', 'example', 'com']],
  ["self.text.findAll('[a-z]+', 1)", ['web']],
  ["'a-b-c'.replace('-', '+')", 'a+b+c'],
  ["'a-b-c'.replace('-', '+', 1)", 'a+b-c'],
  ["'abc'.charAt(1)", 'b'],
  ["'%s is %d, %.1f and %x'.format(['a', 3, 2.55, 255])", 'a is 3, 2.5 and ff'],
  ["'%s'.format([[1, 'x']])", '[1, x]'],
  ['self.list.isSorted()', false],
  ['self.list.sort().isSorted()', true],
  ['self.list.sum()', 6n],
  ['self.mixed.sum()', 3.5],
  ['self.list.min()', 1n],
  ['self.list.max()', 3n],
  ['self.list.indexOf(2)', 2n],
  ["self.words.lastIndexOf('b')", 2n],
  ['self.words.distinct().size()', 2n],
  ['lists.range(3)', [0n, 1n, 2n]],
  ['[[1], [2, 3]].flatten()', [1n, 2n, 3n]],
  ['self.list.slice(0, 2)', [3n, 1n]],
  ['sets.contains(self.list, [1, 2])', true],
  ['sets.equivalent([1, 2, 2], [2, 1])', true],
  ['sets.intersects([1], [2])', false],
  ["sets.contains([{'a': 1}], [{'a': 1}])", true],
  ["quantity('1Gi').isGreaterThan(quantity('1G'))", true],
  ["quantity('1500m').asApproximateFloat()", 1.5],
  ["quantity('1k').add(1).asInteger()", 1001n],
  ["quantity('1Ki') == quantity('1024')", true],
  ["isQuantity('much')", false],
  ["quantity('-1').sign()", -1n],
  ["url('https://a.example:8443/x%20y?q=1&q=2').getPort()", '8443'],
  ["url('https://a.example:8443/x%20y?q=1&q=2').getQuery()['q'].size()", 2n],
  ["url('https://a.example/x%20y').getEscapedPath()", '/x%20y'],
  ["url('/path').getHost()", ''],
  ["isURL('not a url')", false],
  ["ip('127.0.0.1').isLoopback() && ip('127.0.0.1').family() == 4", true],
  ["ip('8.8.8.8').isGlobalUnicast()", true],
  ["ip('fe80::1').isLinkLocalUnicast()", true],
  ["ip.isCanonical('2001:DB8::1')", false],
  ["isIP('::ffff:1.2.3.4')", false],
  ["ip('::1') == ip('0:0:0:0:0:0:0:1')", true],
  ["cidr('10.0.0.0/8').containsIP('10.1.2.3')", true],
  ["cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))", true],
  ["cidr('10.0.0.0/16').containsCIDR('10.0.0.0/8')", false],
  ["string(cidr('10.1.2.3/8').masked())", '10.0.0.0/8'],
  ["string(cidr('2001:db8:1:2::/48').masked())", '2001:db8:1::/48'],
  ["cidr('10.0.0.0/8').prefixLength()", 8n],
  ["isCIDR('10.0.0.0/33')", false],
  ["semver('1.2.3').isLessThan(semver('1.10.0'))", true],
  ["semver('1.0.0-alpha.1').compareTo(semver('1.0.0'))", -1n],
  ["semver('1.2.3').minor()", 2n],
  ["isSemver('v1')", false],
  ["format.dns1123Label().validate('ok').hasValue()", false],
  ["format.dns1123Label().validate('Not Ok').value().size() > 0", true],
  ["self.?missing.orValue('d')", 'd'],
  ['optional.of(1).hasValue()', true],
  ['cel.bind(x, self.list.size(), x * 2)', 6n],
])('%s is what Kubernetes says', (source, expected) => {
  expect(run(source)).toEqual(expected)
})

test('the same program gives the same twice, with other variables too', () => {
  const program = meteredProgram(celEnvironment(), 'self.list.all(x, x > 0) && has(self.map.a)')
  expect(program.run({ self }, { left: 1000 })).toBe(true)
  expect(program.run({ self: { list: [-1n], map: { a: 1n } } }, { left: 1000 })).toBe(false)
  expect(program.run({ self }, { left: 1000 })).toBe(true)
})

const many = Array.from({ length: 2000 }, (_, at) => BigInt(at))

test.each([
  ['loops in loops', 'self.many.all(x, self.many.all(y, self.many.all(z, x + y + z >= 0)))'],
  [
    'loops over a list that the rule made',
    'cel.bind(l, self.many.map(x, x), l.all(a, l.all(b, l.all(c, a + b + c >= 0))))',
  ],
  ['a loop whose errors are swallowed', 'self.many.exists(x, self.many.exists(y, self.many.exists(z, 1 / 0 > x)))'],
  ['a loop behind an or that is true', 'self.many.all(x, self.many.all(y, self.many.all(z, x >= 0))) || true'],
  ['looking for each in all', 'self.many.all(x, self.many.all(y, x in self.many))'],
  [
    'a text that doubles',
    Array.from({ length: 40 })
      .reduce<string>((inner, _, at) => `cel.bind(t${at + 1}, t${at} + t${at}, ${inner})`, 't0 == t0')
      .replace(/^/, "cel.bind(t0, 'aaaaaaaaaa', ")
      .concat(')'),
  ],
  ['a text that is read again and again', "self.many.all(x, self.long.contains('b') == false)"],
])('%s end when their budget is spent', (_what, source) => {
  const budget = { left: 200_000 }
  expect(() => run(source, { self: { many, long: 'a'.repeat(100_000) } }, budget)).toThrow(
    source.includes('t40') ? /.*/ : CostExceededError,
  )
})

test('a regular expression takes time in proportion to its text', () => {
  const text = 'a'.repeat(50_000)
  expect(run("self.text.matches('^(a+)+$')", { self: { text: `${text}!` } })).toBe(false)
  expect(() => run("self.text.matches('(')", { self: { text } })).toThrow('invalid regular expression')
})
