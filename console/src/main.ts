import { createApp } from "vue";
import App from "./App.vue";
import { startClock } from "./live/clock";
import { language, setLanguage } from "./texts";
import { startTheme } from "./theme";
import "./style.css";

const kept = localStorage.getItem("liandong.language");
document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
if (kept) setLanguage(language.value);
startTheme();
startClock();
createApp(App).mount("#app");
