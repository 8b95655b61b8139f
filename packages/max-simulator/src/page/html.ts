/** The document of the chat page. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%235662d9'/%3E%3Cpath d='M8 10h16v10H15l-5 4v-4H8z' fill='%23fff'/%3E%3C/svg%3E"

export const HTML = `<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Симулятор MAX</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="/page/styles.css">
<script type="module" src="/page/main.js"></script>
</head>
<body>
<header class="bar">
  <div class="brand">
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/><path d="M8 10h16v10H15l-5 4v-4H8z"/></svg>
    <div>
      <h1>Симулятор MAX</h1>
      <p class="wide">Не настоящий MAX, а инструмент разработки: всё остаётся на этом компьютере</p>
      <p class="narrow">Инструмент разработки, не настоящий MAX</p>
    </div>
  </div>
  <p id="connection" class="connection" role="status"></p>
  <div class="actions">
    <button type="button" id="add-person" aria-label="Добавить человека"><span class="wide">+ Человек</span><span class="narrow">+ 👤</span></button>
    <button type="button" id="add-group" aria-label="Добавить группу"><span class="wide">+ Группа</span><span class="narrow">+ 👥</span></button>
    <button type="button" id="reset" aria-label="Сбросить всё"><span class="wide">Сбросить</span><span class="narrow">↺</span></button>
  </div>
</header>
<nav id="tabs" class="tabs" aria-label="Люди"></nav>
<main id="columns" class="columns"></main>
<div id="toasts" class="toasts" aria-live="polite"></div>
<noscript><p class="noscript">Странице нужен JavaScript.</p></noscript>
</body>
</html>
`
