/** One measured thing: ours, what it is measured beside in the same run, and the raw samples. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly ours: Record<string, number>
  readonly beside?: { readonly name: string; readonly figures: Record<string, number> }
  /** Ours divided by the other, by statistic. */
  readonly ratio?: Record<string, number>
  readonly goal?: string
  /** What no number says. */
  readonly note?: string
  readonly raw?: Record<string, readonly number[]>
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export const p50p99 = (samples: readonly number[]) => ({ p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) })

export function ratioOf(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(a).map(([key, value]) => [key, value / (b[key] ?? Number.NaN)]))
}

const shown = (figures: Record<string, number>) =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}`)
    .join('  ')

export function printFigures(figures: readonly Figure[]): void {
  const rows = [['WHAT', 'UNIT', 'STEWARD', 'BESIDE', 'RATIO', 'GOAL', 'NOTE']]
  for (const { name, unit, ours, beside, ratio, goal, note } of figures)
    rows.push([
      name,
      unit,
      shown(ours),
      beside ? `${beside.name}: ${shown(beside.figures)}` : '',
      ratio ? shown(ratio) : '',
      goal ?? '',
      note ?? '',
    ])
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
}
