/** One server-sent event, its data parsed. */
export interface ServerEvent<T = unknown> {
  event: string
  data: T
}

/** The events of a stream of text, as they come; comments are left out. */
export async function* events(chunks: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = ''
  for await (const chunk of chunks) {
    rest += chunk
    let end: number
    while ((end = rest.indexOf('\n\n')) >= 0) {
      const event = parsed(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event) yield event
    }
  }
}

function parsed(block: string): ServerEvent | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [field, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replace(/^ /, '')]
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return data.length ? { event, data: JSON.parse(data.join('\n')) } : undefined
}
