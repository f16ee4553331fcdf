/** Names and labels by the "Object Names and IDs" and "Labels and Selectors" rules. Each answers with what is wrong. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_LABEL = new RegExp(`^${LABEL}$`)
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`)
const DNS_1035_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED_NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const PORT_NAME = /^[-a-z0-9]+$/

const lengthProblem = (text: string, lengthMax: number): string[] =>
  text.length > lengthMax ? [`must be no more than ${lengthMax} characters`] : []

/** RFC 1123 label, at most 63 characters: names of namespaces, StatefulSets, host names. */
export function dnsLabelProblems(text: string): readonly string[] {
  if (DNS_LABEL.test(text)) return lengthProblem(text, 63)
  return [
    ...lengthProblem(text, 63),
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
      `with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`,
  ]
}

/** RFC 1123 subdomain, at most 253 characters: names of most objects. */
export function dnsSubdomainProblems(text: string): readonly string[] {
  if (DNS_SUBDOMAIN.test(text)) return lengthProblem(text, 253)
  return [
    ...lengthProblem(text, 253),
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " +
      "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
      `'${LABEL}(\\.${LABEL})*')`,
  ]
}

/** RFC 1035 label, at most 63 characters: names of Services. */
export function dns1035LabelProblems(text: string): readonly string[] {
  if (DNS_1035_LABEL.test(text)) return lengthProblem(text, 63)
  return [
    ...lengthProblem(text, 63),
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
      "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
      "'[a-z]([-a-z0-9]*[a-z0-9])?')",
  ]
}

/** Keys of labels and annotations, finalizers, taints: an optional DNS prefix and a name. */
export function qualifiedNameProblems(text: string): readonly string[] {
  const parts = text.split('/')
  if (parts.length > 2) return [QUALIFIED_NAME_SHAPE]
  const name = parts.at(-1)!
  const problems = parts.length === 2 ? prefixProblems(parts[0]!) : []
  if (name === '') return [...problems, 'name part must be non-empty']
  if (name.length > 63) problems.push('name part must be no more than 63 characters')
  if (!QUALIFIED_NAME_PART.test(name)) problems.push(`name part ${QUALIFIED_NAME_RULE}`)
  return problems
}

const QUALIFIED_NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const QUALIFIED_NAME_SHAPE = `a qualified name ${QUALIFIED_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`

function prefixProblems(prefix: string): string[] {
  if (prefix === '') return ['prefix part must be non-empty']
  return dnsSubdomainProblems(prefix).map(problem => `prefix part ${problem}`)
}

/** Values of labels: at most 63 characters, may be empty. */
export function labelValueProblems(text: string): readonly string[] {
  if (text === '' || QUALIFIED_NAME_PART.test(text)) return lengthProblem(text, 63)
  return [
    ...lengthProblem(text, 63),
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
      "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
      "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ]
}

/** Names of ports (IANA service names): at most 15 characters with a letter among them. */
export function portNameProblems(text: string): readonly string[] {
  const problems = lengthProblem(text, 15)
  if (!PORT_NAME.test(text)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)')
  if (text.includes('--')) problems.push('must not contain consecutive hyphens')
  if (text.startsWith('-') || text.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}
