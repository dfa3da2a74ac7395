import { type Run, run, type Task } from './run.ts'

// a process of its own per task: memory and compiled code of one do not count for the next
const task = JSON.parse(process.argv[2] ?? '') as Task
const result: Run = run(task)
process.stdout.write(JSON.stringify(result))
