import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeService } from '@potok/core/testing/services'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { root } from '../../scripts/system/root.ts'
import { chromiumService, DESKTOP, openBrowser, PHONE, type Browser } from './chromium.ts'

/** `SCREENSHOTS=1` takes the pictures of the README anew. */
const isPhotographer = process.env['SCREENSHOTS'] === '1'

async function photograph(page: Page, name: string): Promise<void> {
  const path = join(root, 'docs', 'images', `${name}.png`)
  await page.mouse.move(0, 0)
  await page.screenshot(isPhotographer ? { path } : {})
}

/** One person's column of the chat page. */
function columnOf(page: Page, name: string) {
  const column = page.getByRole('region', { name })
  const last = column.locator('article.other').last()
  return {
    column,
    /** Of the newest message that says this. */
    message: (text: string | RegExp): Locator =>
      column.locator('article.other', { hasText: text }).last(),
    /** Presses the newest button with exactly this text. */
    press: (text: string): Promise<void> =>
      column.getByRole('button', { name: text, exact: true }).last().click(),
    async says(text: string): Promise<void> {
      await column.getByPlaceholder('Сообщение').fill(text)
      await column.getByPlaceholder('Сообщение').press('Enter')
    },
    /** Waits until the bot said it. */
    async sees(text: string | RegExp): Promise<void> {
      await column.locator('article.other', { hasText: text }).last().waitFor()
    },
    last,
  }
}

describeService(chromiumService, 'people at the chat page', () => {
  let system: PrivateSystem
  let browser: Browser

  beforeAll(async () => {
    ;[system, browser] = await Promise.all([startPrivateSystem(), openBrowser()])
  }, 120_000)
  afterAll(async () => {
    await Promise.all([browser.close(), system.stop()])
  })

  test('one starts the bot, makes a task by buttons only and completes it; the other is told', async () => {
    const { page, errors } = await browser.open(system.url('simulator'), DESKTOP)
    await page.getByText('Бот на связи: webhook').waitFor()
    const [anna, boris] = [columnOf(page, 'Анна'), columnOf(page, 'Борис')]
    for (const person of [boris, anna]) {
      await person.press('Начать')
      await person.sees('Здравствуйте')
    }

    await anna.press('Новая задача')
    await anna.sees('Что нужно сделать?')
    await anna.press('Без названия')
    await anna.sees('Какой приоритет?')
    await anna.press('высокий')
    await anna.sees('К какому сроку?')
    await anna.press('Завтра')
    await anna.sees('Кто сделает?')
    await anna.press('Борис Орлов')
    await anna.sees(/Задача создана\s*Задача без названия · новая/u)
    await boris.sees('Вам поручена задача. От кого: Анна')

    await anna.press('Начать')
    await anna.sees('Задача без названия · в работе')
    await anna.press('Готово')
    await anna.sees('Задача без названия · готова')
    // The card in the notice of the other follows where it stands.
    await boris.sees('Задача без названия · готова')
    expect(await anna.last.innerText()).toContain('Срок: завтра')
    expect(errors).toEqual([])
    await page.close()
  })

  test('a task in one line: both columns tell the same, side by side', async () => {
    const { page, errors } = await browser.open(system.url('simulator'), DESKTOP)
    const [anna, boris] = [columnOf(page, 'Анна'), columnOf(page, 'Борис')]
    await anna.says('/new Подготовить отчёт !высокий @Борис до завтра 18:00 #финансы')
    await anna.sees(/Задача создана\s*Подготовить отчёт · новая/u)
    await boris.sees('Вам поручена задача')
    await boris.press('Начать')
    await boris.sees('Подготовить отчёт · в работе')
    await anna.sees('Ваша задача теперь в работе. Кто изменил: Борис')
    await photograph(page, 'chat')
    expect(errors).toEqual([])
    await page.close()
  })

  test('on a phone one column is shown, the tab of the other says that something is new', async () => {
    const { page, errors } = await browser.open(system.url('simulator'), PHONE)
    const [anna, boris] = [columnOf(page, 'Анна'), columnOf(page, 'Борис')]
    await anna.sees('Ваша задача теперь в работе')
    expect(await boris.column.isVisible()).toBe(false)
    await anna.says('/new Купить билеты @Борис до пятницы')
    await anna.sees(/Задача создана\s*Купить билеты/u)
    await page.locator('.tab.unread', { hasText: 'Борис' }).click()
    await boris.sees('Купить билеты · новая')
    await photograph(page, 'chat-phone')
    expect(await page.evaluate('document.body.scrollWidth')).toBe(PHONE.width)
    expect(errors).toEqual([])
    await page.close()
  })
})
