import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // tests of workflows mostly wait; on two cores three workers wait together
    maxWorkers: 3,
    // every run leaves a report, so that CI can add them up
    reporters: ['default', ['json', { outputFile: `.cache/reports/${process.pid}.json` }]],
    projects: [
      {
        test: {
          name: 'unit',
          // files share what they import: no test changes a module
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/workflows/**', 'test/outages/**', 'test/stories/**'],
          // on a busy machine; those that wait for something have limits of their own
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'workflow',
          isolate: false,
          include: ['test/workflows/**/*.test.ts'],
          exclude: ['test/workflows/crash-matrix.test.ts', 'test/workflows/corpus/freeze.test.ts'],
          globalSetup: ['test/workflows/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          // what is killed takes its time to be missed
          name: 'outage',
          include: ['test/outages/**/*.test.ts', 'test/workflows/crash-matrix.test.ts'],
          globalSetup: ['test/workflows/global-setup.ts'],
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          // adds histories to the corpus; `npm test` leaves it as it is
          name: 'freeze',
          include: ['test/workflows/corpus/freeze.test.ts'],
          globalSetup: ['test/workflows/global-setup.ts'],
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'cloud',
          include: ['test/stories/**/*.test.ts'],
          // one cloud, one story at a time
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
