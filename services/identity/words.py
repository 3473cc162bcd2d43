"""The words of the few pages, in both languages."""

from collections.abc import Mapping

LANGUAGES = {"zh": "zh-CN", "en": "en"}
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "baton": "接力",
        "skip": "跳到内容",
        "sign_in": "登录",
        "username": "用户名",
        "password": "密码",
        "wrong": "用户名或密码不正确",
        "expired": "页面已失效，请重新输入",
        "wait": "失败次数过多，请在 {seconds} 秒后重试",
        "accounts": "演示账号",
        "accounts_hint": "密码在启动时显示在终端里。点一下填入用户名。",
        "sign_out": "退出",
        "sign_out_question": "要退出登录吗？",
        "signed_out": "您已退出",
        "refused": "无法登录",
        "refused_hint": "打开此页面的程序发来的请求不正确，请回到原来的页面重新开始。",
        "away_hint": "系统的一部分暂时没有回应，请稍后再试。",
        "other_language": "English",
    },
    "en": {
        "baton": "Baton",
        "skip": "Skip to content",
        "sign_in": "Sign in",
        "username": "User name",
        "password": "Password",
        "wrong": "User name or password is wrong",
        "expired": "This page was open for too long; please enter it again",
        "wait": "Too many failures; please try again in {seconds} seconds",
        "accounts": "Demonstration accounts",
        "accounts_hint": "The password is shown in the terminal at the start. Choose one to fill in its user name.",
        "sign_out": "Sign out",
        "sign_out_question": "Do you want to sign out?",
        "signed_out": "You have signed out",
        "refused": "Signing in is not possible",
        "refused_hint": "The program that opened this page asked for it wrongly; go back to where you came from.",
        "away_hint": "A part of the system does not answer at the moment; please try again later.",
        "other_language": "中文",
    },
}


def language_of(ui_locales: str | None) -> str:
    """The first language asked for that we have, else Chinese (OpenID Connect Core 3.1.2.1, ``ui_locales``)."""
    for locale in (ui_locales or "").split():
        if locale.partition("-")[0].lower() in WORDS:
            return locale.partition("-")[0].lower()
    return "zh"
