/** Everything of one stage listens on loopback at a fixed distance from one base port. */
export const portsOf = (base: number) => ({
  cloud: base,
  api: base + 50,
  codec: base + 51,
  temporal: base + 52,
  temporalUi: base + 53,
  alertmanager: base + 54,
  alertmanagerCluster: base + 55,
  workerProbe: base + 56,
})
export type Ports = ReturnType<typeof portsOf>
