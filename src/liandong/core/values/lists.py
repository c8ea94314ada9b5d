"""Closed lists: one place, from which the glossary is generated. Comments after `#:` give 中文."""

from __future__ import annotations

from enum import IntFlag, StrEnum


class Mode(StrEnum):
    """模式: real, drill, test, shadow and replay never mix; the mode is part of every id."""

    REAL = "real"  #: 实战
    DRILL = "drill"  #: 演练
    TEST = "test"  #: 测试
    SHADOW = "shadow"  #: 影子运行
    REPLAY = "replay"  #: 回放


class Step(StrEnum):
    """步骤: the seven steps of the route, in order."""

    INGEST = "ingest"  #: 感知接入
    DETECT = "detect"  #: 报警
    ASSESS = "assess"  #: 风险分析
    WARN = "warn"  #: 风险提示
    COORDINATE = "coordinate"  #: 联动处置
    CLOSE = "close"  #: 办结归档
    EVALUATE = "evaluate"  #: 评价


class Quality(IntFlag):
    """质量位: a reading's quality; 0 is good."""

    GOOD = 0  #: 正常
    NAN = 1  #: 非数
    OUT_OF_RANGE = 2  #: 超出物理量程
    CONFLICT = 4  #: 同刻异值
    TOO_LATE = 8  #: 超过允许迟到
    DUPLICATE = 16  #: 重复
    FUTURE = 32  #: 时间在将来


class DataKind(StrEnum):
    """数据类别: what of the readings' history is kept for how long."""

    RAW = "raw"  #: 原始报文
    READINGS = "readings"  #: 读数
    POSITIONS = "positions"  #: 定位
    WAVEFORMS = "waveforms"  #: 波形


class Statistic(StrEnum):
    """统计量: what a rule compares with its limits, computed from the channel's own past alone."""

    VALUE = "value"  #: 读数
    RATE = "rate"  #: 变化率
    ZSCORE = "zscore"  #: 偏离度
    OFFSET = "offset"  #: 偏离基准


class FindingPart(StrEnum):
    """发现的部分: what of a finding a message settles."""

    ONSET = "onset"  #: 开始
    END = "end"  #: 结束


class Verdict(StrEnum):
    """研判结论."""

    REAL = "real"  #: 真实
    FALSE = "false"  #: 误报
    TEST = "test"  #: 测试
    LOOK = "look"  #: 需现场核实


class CaseStage(StrEnum):
    """警情状态: how far the case has come."""

    OPENED = "opened"  #: 已立案
    JUDGED = "judged"  #: 已研判
    PUSHED = "pushed"  #: 已推送
    ACKNOWLEDGED = "acknowledged"  #: 已签收
    ON_SITE = "on_site"  #: 已到场
    HANDLED = "handled"  #: 已处置
    FED_BACK = "fed_back"  #: 已反馈
    REVIEWED = "reviewed"  #: 已复核
    CLOSED = "closed"  #: 已办结
    ARCHIVED = "archived"  #: 已归档
    REPORTED = "reported"  #: 已报告
    CANCELLED = "cancelled"  #: 已撤销


class OrderStatus(StrEnum):
    """工单状态."""

    ISSUED = "issued"  #: 已派发
    ACTIVE = "active"  #: 办理中
    DONE = "done"  #: 已完成
    RETURNED = "returned"  #: 已退回
    HANDED_OVER = "handed_over"  #: 已转办
    TAKEN_OVER = "taken_over"  #: 已提级
    CANCELLED = "cancelled"  #: 已撤销


class Action(StrEnum):
    """动作: the steps of human work, and what else a person may do to a case."""

    JUDGE = "judge"  #: 研判
    PUSH = "push"  #: 推送
    ACKNOWLEDGE = "acknowledge"  #: 签收
    ARRIVE = "arrive"  #: 到场
    CHECK = "check"  #: 核实
    HANDLE = "handle"  #: 处置
    FEED_BACK = "feed_back"  #: 反馈
    REVIEW = "review"  #: 复核
    CLOSE = "close"  #: 办结
    ARCHIVE = "archive"  #: 归档
    DISPOSAL_REPORT = "disposal_report"  #: 处置报告
    RETURN = "return"  #: 退回
    HAND_OVER = "hand_over"  #: 转办
    PAUSE = "pause"  #: 暂停计时
    RESUME = "resume"  #: 恢复计时
    REOPEN = "reopen"  #: 重开
    NOTE = "note"  #: 备注
    CALL = "call"  #: 通话
    REPORT = "report"  #: 上报


class ClockOrigin(StrEnum):
    """计时起点: the moment from which a clause's clock runs."""

    FINDING = "finding"  #: 报警
    OPENED = "opened"  #: 立案
    ISSUED = "issued"  #: 派发
    PUSHED = "pushed"  #: 推送
    ACKNOWLEDGED = "acknowledged"  #: 签收
    ARRIVED = "arrived"  #: 到场
    PREVIOUS = "previous"  #: 上一动作


class EscalationKind(StrEnum):
    """催督: what happens at a fraction of a limit, mildest first."""

    REMIND = "remind"  #: 提醒
    URGE = "urge"  #: 催办
    SUPERVISE = "supervise"  #: 督办
    TAKE_OVER = "take_over"  #: 提级


class Cause(StrEnum):
    """办结原因."""

    REAL = "real"  #: 真实
    FALSE_BIOGAS = "false_biogas"  #: 误报·沼气干扰
    FALSE_CALIBRATION = "false_calibration"  #: 误报·标定
    FALSE_INTERFERENCE = "false_interference"  #: 误报·干扰
    FALSE_RULE = "false_rule"  #: 误报·阈值过严
    TEST = "test"  #: 测试
    DRILL = "drill"  #: 演练
    DEVICE_FAULT = "device_fault"  #: 设备故障
    DUPLICATE = "duplicate"  #: 重复
    MAINTENANCE = "maintenance"  #: 检修
    NOT_REPRODUCIBLE = "not_reproducible"  #: 未复现


class ReportKind(StrEnum):
    """报告类别."""

    UPWARD = "upward"  #: 上报
    CLOSING = "closing"  #: 处置报告


class Provenance(StrEnum):
    """出处: where a row of the mechanism comes from."""

    SOURCE = "source"  #: 文件原文
    ASSUMED = "assumed"  #: 暂定
    UNSET = "unset"  #: 未规定


class Trust(StrEnum):
    """可信度: how a number from a standard was obtained."""

    VERIFIED = "V"  #: 已核原文
    KNOWN = "K"  #: 通行知识
    UNVERIFIED = "U"  #: 未核实


class UnitKind(StrEnum):
    """单位类别."""

    DEPARTMENT = "department"  #: 政府部门
    INSTITUTION = "institution"  #: 事业单位
    FIRM = "firm"  #: 企业
    CONTRACTOR = "contractor"  #: 服务外包单位
    VOLUNTEER = "volunteer"  #: 社会力量
    TOWN = "town"  #: 镇街


class RelationKind(StrEnum):
    """关系类别: how one asset stands to another."""

    CONTAINS = "contains"  #: 包含
    FEEDS = "feeds"  #: 供给
    CROSSES = "crosses"  #: 交叉
    ADJACENT = "adjacent"  #: 相邻
    PROTECTS = "protects"  #: 防护
    CONNECTED = "connected"  #: 连通


class AreaKind(StrEnum):
    """区域层级."""

    CITY = "city"  #: 市
    DISTRICT = "district"  #: 区
    TOWN = "town"  #: 镇街
    GRID = "grid"  #: 网格


class Participation(StrEnum):
    """参与身份: why a post may see a case."""

    LEAD = "lead"  #: 牵头
    ASSIST = "assist"  #: 配合
    INFORM = "inform"  #: 知会
    SUPERVISE = "supervise"  #: 督导
    VERIFY = "verify"  #: 复核


class Capability(StrEnum):
    """权限: what a post may do; where and on what is said by the permission's scope."""

    CASE_READ = "case.read"  #: 查看警情
    CASE_ACT = "case.act"  #: 办理警情
    CASE_REOPEN = "case.reopen"  #: 重开警情
    SCORE_READ = "score.read"  #: 查看评价
    INTAKE_READ = "intake.read"  #: 查看拒收与死信
    INTAKE_REPLAY = "intake.replay"  #: 重放拒收与死信
    JOURNAL_READ = "journal.read"  #: 查看留痕
    PERSONAL_READ = "personal.read"  #: 查看个人信息
    PERSONAL_ERASE = "personal.erase"  #: 销毁个人信息
    CLOCK_CONFIRM = "clock.confirm"  #: 确认时钟
    READINGS_SEND = "readings.send"  #: 报送读数


class DataClass(StrEnum):
    """数据级别: the class of a field masks it in API, export, log and journal alike."""

    OPEN = "open"  #: 公开
    INTERNAL = "internal"  #: 内部
    PERSONAL = "personal"  #: 个人
    SENSITIVE = "sensitive"  #: 敏感


class Outcome(StrEnum):
    """送达结果: what one delivery attempt came to."""

    DELIVERED = "delivered"  #: 已送达
    FAILED = "failed"  #: 失败
    UNKNOWN = "unknown"  #: 不明


class Repeats(StrEnum):
    """重复处理: how a channel treats a repeated delivery."""

    DROPS = "drops"  #: 自动去重
    CAN_BE_ASKED = "can_be_asked"  #: 可查询
    NEITHER = "neither"  #: 不去重也不可查


class Doing(StrEnum):
    """在做什么: what somebody is doing with a case at this moment."""

    VIEWING = "viewing"  #: 查看
    CALLING = "calling"  #: 打电话
    WRITING = "writing"  #: 填写
