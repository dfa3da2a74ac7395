import { assertThat, type Play } from '../play.ts'
import { diskHost } from '../real-cloud.ts'
import { alone } from './hosts.ts'

const { host } = alone

const collect: Play = {
  runbook: 'collect-evidence',
  set: async ({ nova }) => ({
    input: { host },
    async proof({ evidence }) {
      const kept = (evidence?.services as { inAll?: number } | undefined)?.inAll
      const { state } = await nova.service(host)
      assertThat('the services of the host and of the controllers are kept', kept === 3 && state === 'up', kept)
      return `${kept} services are kept with the run`
    },
  }),
}

const look: Play = {
  runbook: 'ssh-look',
  set: async () => ({
    input: { host, command: 'show-compute' },
    proof: async ({ evidence }) => {
      assertThat('it says which process', JSON.stringify(evidence).includes('pid='), evidence)
      return 'the process that the host has'
    },
  }),
}

const command: Play = {
  runbook: 'ssh-command',
  set: async ({ nova }) => ({
    input: { host, command: 'restart-compute' },
    async proof() {
      await nova.untilState(host, 'up')
      return 'supervisor: started; Nova: up'
    },
  }),
}

const freeDisk: Play = {
  runbook: 'free-disk',
  async set({ sshd }) {
    await sshd.reset()
    await sshd.write('percent', '95\n')
    await sshd.program('df', 'echo Use%; echo " $(cat percent)%"')
    await sshd.program('vacuum', 'case $1 in 500M) echo 60 > percent ;; esac')
    return {
      input: { host: diskHost, what: 'journal', minFreePercent: 20 },
      async proof() {
        const swept = (await sshd.asked()).filter((words) => words.startsWith('vacuum'))
        assertThat('three steps', swept.length === 3, swept)
        return `the host was asked for ${swept.join(', ')}`
      },
    }
  },
}

const http: Play = {
  runbook: 'http-call',
  set: async ({ sink }) => {
    const before = sink.calls.length
    return {
      input: { method: 'POST', url: `${sink.url}/tickets`, body: { title: 'a benchmark' } },
      async proof() {
        assertThat('one call', sink.calls.length === before + 1, sink.calls)
        return 'the other side got one call'
      },
    }
  },
}

const ask: Play = {
  runbook: 'ask-person',
  set: async () => ({
    input: { question: 'Is rack 4 dark?' },
    proof: async ({ answers }) => {
      assertThat('a person said yes', answers?.[0]?.yes === true, answers)
      return 'the answer of a person'
    },
  }),
}

const notify: Play = {
  runbook: 'notify',
  set: async () => ({
    input: { text: 'rack 4 is empty' },
    proof: async ({ steps }) => {
      assertThat('one step', steps?.length === 1, steps)
      return 'handed over; no receiver is set up'
    },
  }),
}

export const otherPlays: readonly Play[] = [collect, look, command, freeDisk, http, ask, notify]
