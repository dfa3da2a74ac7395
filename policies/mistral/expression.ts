import { NotMapped, type Token, tokensOf } from './tokens.ts'

/** CEL, and whether it gives a list whose fields YAQL reads one by one. */
export interface Translated {
  readonly cel: string
  readonly isList?: boolean
}

/** What names mean where an expression stands. */
export interface Names {
  /** `$.name`, `_.name`. @throws NotMapped */
  variable(name: string): Translated
  /** `task(name).result`; without a name, of the task itself. @throws NotMapped */
  result(task: string | undefined): Translated
}

const comparisons: Readonly<Record<string, string>> = {
  ...{ '=': '==', '==': '==', '!=': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=', in: 'in' },
}
const constants: Readonly<Record<string, string>> = {
  ...{ null: 'null', None: 'null', none: 'null', true: 'true', True: 'true', false: 'false', False: 'false' },
}
const functions: Readonly<Record<string, string>> = { len: 'size', str: 'string', int: 'int', float: 'double' }
/** Methods that only have another name. */
const methods: Readonly<Record<string, string>> = {
  ...{ len: 'size', count: 'size', size: 'size', startsWith: 'startsWith', endsWith: 'endsWith', join: 'join' },
  ...{ startswith: 'startsWith', endswith: 'endsWith', split: 'split', contains: 'contains' },
  ...{ toLower: 'lowerAscii', toUpper: 'upperAscii', lower: 'lowerAscii', upper: 'upperAscii', trim: 'trim' },
}
const loops: Readonly<Record<string, string>> = { where: 'filter', select: 'map', any: 'exists', all: 'all' }

/**
 * Says in CEL what an expression of YAQL or Jinja says, for the simple kinds: variables, results of tasks, fields,
 * comparisons, and the common methods of lists and texts.
 *
 * @throws NotMapped saying what it has no word for
 */
export function translate(expression: string, language: 'yaql' | 'jinja', names: Names): Translated {
  const tokens = tokensOf(expression)
  let at = 0
  /** Names of the elements of the loops around, the innermost last; `$` is one of them there. */
  const elements: string[] = []

  const refuse = (what: string) => new NotMapped(`${what} has no counterpart: ${expression.trim().slice(0, 100)}`)
  const peek = (text: string, ahead = 0) => tokens[at + ahead]?.text === text && tokens[at + ahead]?.kind !== 'text'
  function take(text: string): boolean {
    if (!peek(text)) return false
    at++
    return true
  }
  function expect(text: string): void {
    if (!take(text)) throw refuse(tokens[at] ? `\`${tokens[at]?.text}\`` : 'the end of it')
  }
  function next(): Token {
    const token = tokens[at++]
    if (!token) throw refuse('the end of it')
    return token
  }

  function either(signs: Readonly<Record<string, string>>, inner: () => Translated): Translated {
    let left = inner()
    for (
      let token = tokens[at];
      token && token.kind !== 'text' && Object.hasOwn(signs, token.text);
      token = tokens[at]
    ) {
      at++
      left = { cel: `${left.cel} ${signs[token.text]} ${inner().cel}` }
    }
    return left
  }
  const whole = (): Translated => either({ or: '||' }, () => either({ and: '&&' }, negated))
  const negated = (): Translated => (take('not') ? { cel: `!(${negated().cel})` } : either(comparisons, sum))
  const sum = (): Translated => either({ '+': '+', '-': '-' }, () => either({ '*': '*', '/': '/', '%': '%' }, signed))
  const signed = (): Translated => (take('-') ? { cel: `-${chained().cel}` } : chained())

  function chained(): Translated {
    let value = primary()
    for (;;) {
      if (take('.')) value = take('(') ? refuseThis('a dynamic field') : field(value, next().text)
      else if (take('[')) value = index(value)
      else if (peek('|')) throw refuse('a filter of Jinja')
      else return value
    }
  }
  function refuseThis(what: string): never {
    throw refuse(what)
  }

  function field(of: Translated, name: string): Translated {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw refuse(`the field ${name}`)
    if (take('(')) return method(of, name)
    return of.isList ? { cel: `${of.cel}.map(e, e.${name})`, isList: true } : { cel: `${of.cel}.${name}` }
  }

  function index(of: Translated): Translated {
    const isFilter = language === 'yaql' && peek('$')
    const inner = isFilter ? inLoop(() => whole()) : undefined
    const value = inner ? { cel: `${of.cel}.filter(${inner})`, isList: true } : { cel: `${of.cel}[${whole().cel}]` }
    expect(']')
    return value
  }

  function method(of: Translated, name: string): Translated {
    if (Object.hasOwn(loops, name) && !peek(')')) {
      const value = { cel: `${of.cel}.${loops[name]}(${inLoop(whole)})`, isList: name === 'where' || name === 'select' }
      expect(')')
      return value
    }
    const args = argumentsUpTo(')')
    if (name === 'first' && args.length === 0) return { cel: `${of.cel}[0]` }
    if (name === 'any' && args.length === 0) return { cel: `${of.cel}.size() > 0` }
    if (name === 'isEmpty') return { cel: `${of.cel}.size() == 0` }
    const [key = '', instead = 'null'] = args
    if (name === 'get' && /^"[A-Za-z_]\w*"$/.test(key))
      return { cel: `${of.cel}.?${key.slice(1, -1)}.orValue(${instead})` }
    if (Object.hasOwn(methods, name)) return { cel: `${of.cel}.${methods[name]}(${args.join(', ')})` }
    throw refuse(`the method ${name}`)
  }

  function inLoop(body: () => Translated): string {
    const element = `e${elements.length === 0 ? '' : elements.length + 1}`
    elements.push(element)
    const { cel } = body()
    elements.pop()
    return `${element}, ${cel}`
  }

  function argumentsUpTo(end: string): string[] {
    const args: string[] = []
    while (!take(end)) {
      if (args.length > 0) expect(',')
      args.push(whole().cel)
    }
    return args
  }

  function primary(): Translated {
    const token = next()
    if (token.kind === 'text') return { cel: JSON.stringify(token.text) }
    if (token.kind === 'number') return { cel: token.text }
    if (token.text === '$' || (token.text === '_' && language === 'jinja')) return context()
    if (token.text === '(') {
      const { cel } = whole()
      expect(')')
      return { cel: `(${cel})` }
    }
    if (token.text === '[') return { cel: `[${argumentsUpTo(']').join(', ')}]` }
    if (token.text === '{') return map()
    if (token.kind !== 'name') throw refuse(`\`${token.text}\``)
    if (take('(')) return call(token.text)
    if (Object.hasOwn(constants, token.text)) return { cel: constants[token.text] ?? '' }
    // a bare word of YAQL is a text
    if (language === 'yaql') return { cel: JSON.stringify(token.text) }
    throw refuse(`the name ${token.text}`)
  }

  function context(): Translated {
    const element = elements.at(-1)
    if (element !== undefined) return { cel: element }
    if (!peek('.') || tokens[at + 1]?.kind !== 'name') throw refuse('the whole context')
    at++
    const { text } = next()
    if (!take('(')) return names.variable(text)
    if (text !== 'get') throw refuse(`the method ${text} of the whole context`)
    const [key = '', instead = 'null'] = argumentsUpTo(')')
    const { cel } = names.variable(key.replaceAll('"', ''))
    return { cel: `(${cel} == null ? dyn(${instead}) : dyn(${cel}))` }
  }

  function map(end = '}'): Translated {
    const entries: string[] = []
    while (!take(end)) {
      if (entries.length > 0) expect(',')
      const key = primary().cel
      if (!take('=>')) expect(':')
      entries.push(`${key}: ${whole().cel}`)
    }
    return { cel: `{${entries.join(', ')}}` }
  }

  function call(name: string): Translated {
    if (name === 'task') {
      const task = peek(')') ? undefined : next().text
      expect(')')
      expect('.')
      expect('result')
      return names.result(task)
    }
    if (name === 'execution') {
      expect(')')
      expect('.')
      expect('id')
      return { cel: 'run.id' }
    }
    if (name === 'dict') return map(')')
    if (name === 'global') return names.variable(argumentOf())
    const args = argumentsUpTo(')')
    if (name === 'concat' && args.length > 0) return { cel: args.join(' + ') }
    if (Object.hasOwn(functions, name)) return { cel: `${functions[name]}(${args.join(', ')})` }
    throw refuse(`the function ${name}`)
  }
  function argumentOf(): string {
    const { text } = next()
    expect(')')
    return text
  }

  const translated = whole()
  if (at < tokens.length) throw refuse(`\`${tokens[at]?.text}\``)
  return translated
}
