import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, type OptionalService } from '@potok/core/testing/programs'
import { chromium, type BrowserContext, type Page } from 'playwright-core'

const PROGRAM = 'chromium'

export const chromiumService: OptionalService = {
  name: 'Chromium',
  install: 'apt-get install chromium',
  isInstalled: () => findProgram(PROGRAM) !== undefined,
}

/** It speaks to the simulator and to nobody else. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const DESKTOP = { width: 1240, height: 900 }
export const PHONE = { width: 390, height: 844 }

/** A fresh profile of the installed Chromium, removed when it is closed. */
export async function openBrowser() {
  const profile = await mkdtemp(join(tmpdir(), 'potok-chromium-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: findProgram(PROGRAM) ?? PROGRAM,
    headless: true,
    args: QUIET,
    locale: 'ru-RU',
    timezoneId: 'Europe/Moscow',
  })
  return {
    /** A page; whatever goes wrong in it is in `errors`. */
    async open(
      url: string,
      viewport: { width: number; height: number },
    ): Promise<{ page: Page; errors: string[] }> {
      const page = await context.newPage()
      await page.setViewportSize(viewport)
      const errors: string[] = []
      page.on('pageerror', ({ message }) => errors.push(message))
      page.on('console', (line) => {
        if (line.type() === 'error') errors.push(line.text())
      })
      await page.goto(url)
      return { page, errors }
    },
    async close(): Promise<void> {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

export type Browser = Awaited<ReturnType<typeof openBrowser>>
